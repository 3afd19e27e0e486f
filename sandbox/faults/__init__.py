"""Trouble on demand (faults, limits) and the books on what came in (calls, counters)."""
