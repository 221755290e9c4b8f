"""Selection: which photos to train on where a budget does not hold all."""
