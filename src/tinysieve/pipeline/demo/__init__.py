"""The demonstration: photos that installed packages carry, labels with planted errors, the whole run."""
