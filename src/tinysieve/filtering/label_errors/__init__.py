"""Label errors of any number of classes: out-of-fold probabilities, confident learning, rankings."""
