"""Droplet actions: their types, the validation of a request, their effects and the log of all of them."""
