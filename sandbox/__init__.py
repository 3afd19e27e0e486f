"""A stand-in DigitalOcean on loopback: for trying Conveyor, for tests, for benchmarks.

It imports nothing of Conveyor. README.md in this folder describes its API, its options and its control API.
"""
