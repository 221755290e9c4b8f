"""MCUNet, the fixed recipes, and the fit."""
