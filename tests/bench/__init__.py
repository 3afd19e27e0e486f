"""`make bench`: how fast Conveyor is, compared with other ways to read the same droplets. Bounds are promises."""
