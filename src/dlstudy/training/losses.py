"""Losses, and the mean scores of a network on a split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.dataset import Split, Task

EVALUATION_BATCH: Final = 1_000  # large enough for fast matrix products, small enough to stay in cache


def cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean over the batch of -log softmax(logits)[class]; (batch, classes), (batch,) -> ()."""
    return F.cross_entropy(logits, classes)


def squared_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of the squared distance between outputs and targets, halved.

    (batch, 1), (batch,) numbers -> (). Or (batch, classes), (batch,) classes -> (), where the target of a class is its
    unit vector ("one-hot").
    """
    if targets.is_floating_point():
        return (outputs.squeeze(1) - targets).square().mean() / 2
    return (outputs - F.one_hot(targets, outputs.shape[1])).square().sum(1).mean() / 2


Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs (batch, outputs) and targets (batch,) to their mean loss ()."""

LOSSES: Final[dict[str, Loss]] = {"cross_entropy": cross_entropy, "squared_error": squared_loss}

USUAL_LOSS: Final[dict[Task, str]] = {"classification": "cross_entropy", "regression": "squared_error"}


def num_correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """How many of a batch are classified right; 0 where the targets are numbers, not classes."""
    if targets.is_floating_point():
        return torch.zeros((), dtype=torch.int64)
    return (outputs.argmax(1) == targets).sum()


@dataclass(frozen=True)
class Scores:
    """Mean loss of a split and the share that is classified right (0 in regression)."""

    loss: float
    accuracy: float


@torch.no_grad()
def outputs_of(network: nn.Module, features: Tensor) -> Tensor:
    """The network's outputs (examples, outputs) for standardised features (examples, features)."""
    return torch.cat([network(batch) for batch in features.split(EVALUATION_BATCH)])


def scores(network: nn.Module, split: Split, loss: Loss) -> Scores:
    """The scores of a network on a standardised split."""
    outputs = outputs_of(network, split.features)
    return Scores(loss(outputs, split.targets).item(), num_correct(outputs, split.targets).item() / len(split))
