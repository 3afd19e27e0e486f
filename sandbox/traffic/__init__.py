"""Incoming requests: what they are about, counters, rate limits and the log."""
