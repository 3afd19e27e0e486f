"""Actions on droplets: what can be asked, what comes of it, and the book of all of them."""
