"""Rankings for the debugging benchmark."""
