"""A short deep-learning study note, every statement tested."""
