"""`python -m tinysieve` is the command `tinysieve`."""

from tinysieve.pipeline.cli import main

if __name__ == "__main__":
    main()
