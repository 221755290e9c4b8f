"""Sources: which files there are, with which split and label."""
