"""One file per benchmark: `measure(stage)` returns lines of the table. Its docstring goes into docs/benchmarks.md."""
