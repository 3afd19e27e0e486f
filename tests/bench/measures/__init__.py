"""One file for each measure: `measure(stage)` returns its lines of the table. Its docstring goes into the document."""
