"""Taking the fleet along: what a search finds, as files for other programs. Each file is written while it is sent."""
