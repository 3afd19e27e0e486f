"""What the metrics agent of a droplet would report. All of it follows from the seed, the droplet and the time."""
