"""The droplets of the sandbox's teams: made up, but of DigitalOcean's own sizes, regions and images."""
