"""The commands of `tinysieve`, a file a group."""
