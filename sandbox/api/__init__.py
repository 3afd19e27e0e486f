"""DigitalOcean's API v2 as far as it is needed, a module for each resource. authorization.py runs before all."""
