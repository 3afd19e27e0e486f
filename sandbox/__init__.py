"""A stand-in DigitalOcean on loopback: for trying Conveyor, for tests, for benchmarks.

It knows nothing of Conveyor. See README.md beside this file for what it speaks and how it is steered.
"""
