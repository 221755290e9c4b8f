"""The ways to select photos, one a module; `tinysieve.filtering.selection.registry` lists them."""
