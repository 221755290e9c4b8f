"""The models that ship with the program; README.md beside this file says where each comes from."""
