"""A run on the Hugging Face hub, by explicit command only: what is published of it, and how it is sent and brought."""
