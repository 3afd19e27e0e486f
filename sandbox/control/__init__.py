"""The control API under /_sandbox/: JSON, for tests and for trying things out. It shows tokens, which are not real."""
