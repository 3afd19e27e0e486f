"""Generated droplets and other resources of the teams, with DigitalOcean's own sizes, regions and images."""
