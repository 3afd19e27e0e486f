"""Exports: the droplets that a search finds, as files for other programs, written while they are sent."""
