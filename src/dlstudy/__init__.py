"""A short deep-learning study note, its models trained and measured, reproducibly."""
