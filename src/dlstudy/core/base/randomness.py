"""Independent streams of random numbers, each from a seed and the name of what it is for."""

import hashlib

import torch


def generator(seed: int, purpose: str) -> torch.Generator:
    """A random stream of its own for each seed and purpose ("weights", "minibatches").

    Because each purpose has its own stream, two models trained with one seed see the same minibatches whatever
    each draws for its weights: that is what makes their difference a paired one.
    """
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little", signed=True))
