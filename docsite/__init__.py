"""What the pages in docs/ take from the code and from measured results: `make docs` writes it, tests hold it."""
