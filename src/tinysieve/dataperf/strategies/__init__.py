"""Ways to choose a train set for the selection benchmark from a few known images of a class."""
