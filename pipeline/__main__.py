"""`python -m pipeline` is the command `tinysieve`."""

from pipeline.cli import main

main()
