"""Small mistakes put into the code on purpose: each has to make a test fail. `make mutants` runs them."""
