"""Faults on request: which requests they match, and what they do to the response."""
