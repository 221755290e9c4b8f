"""`python -m pipeline` is the command `tinysieve`."""

from pipeline.cli import main

if __name__ == "__main__":
    main()
