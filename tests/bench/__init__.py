"""How fast Conveyor is, against what there is to be held against: `make bench`. The bounds are promises."""
