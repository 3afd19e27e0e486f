"""Generated metrics, as a droplet's agent would report them. The seed, the droplet and the time decide each value."""
