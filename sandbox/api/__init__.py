"""DigitalOcean's API v2, as far as it is needed: one file per resource, gate.py before all of them."""
