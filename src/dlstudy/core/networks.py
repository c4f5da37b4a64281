"""Networks of fully connected layers: how they are built, their losses and scores, and what training leaves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit
from torch.nn.utils import skip_init

from dlstudy.core.base.dataset import Split, Task, load_tensors, save_tensors
from dlstudy.core.params import ACTIVATION_CLASSES

ACTIVATIONS: Final[dict[str, type[nn.Module]]] = {name: getattr(nn, kind) for name, kind in ACTIVATION_CLASSES.items()}

XAVIER_SUITS: Final = frozenset(
    {"identity", "sigmoid", "tanh", "hardsigmoid", "hardtanh", "softsign", "tanhshrink", "log_sigmoid"}
)
"""Activations for which Xavier's initialisation is the customary one; for all others, akin to ReLU, it is He's."""

INITIALISERS: Final[dict[str, Callable[[int, int], tuple[float, float]]]] = {
    "zeros": lambda fan_in, fan_out: (0.0, 0.0),
    "pytorch": lambda fan_in, fan_out: (1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in)),
    "xavier": lambda fan_in, fan_out: (math.sqrt(6 / (fan_in + fan_out)), 0.0),
    "lecun": lambda fan_in, fan_out: (math.sqrt(3 / fan_in), 0.0),
    "he": lambda fan_in, fan_out: (math.sqrt(6 / fan_in), 0.0),
    "xavier4": lambda fan_in, fan_out: (4 * math.sqrt(6 / (fan_in + fan_out)), 0.0),
}
"""From (fan_in, fan_out) to the bounds of the uniform distributions of weights and of biases.

`pytorch` is what nn.Linear does by itself; `xavier` is Glorot and Bengio (2010), `he` is He et al. (2015). `lecun` has
the variance of LeCun et al. (1998), 1 / fan_in, which Flax gives its layers by default, from a normal distribution.
`xavier4` is Xavier's times 4, which makes up for the slope of sigmoid at 0, 1/4.
"""


def matching_init(activation: str) -> str:
    """The initialiser customary with it: Xavier's (Glorot & Bengio, 2010) or He's (He et al., 2015)."""
    return "xavier" if activation in XAVIER_SUITS else "he"


def build_network(
    num_inputs: int,
    hidden: Sequence[int],
    num_outputs: int,
    *,
    activation: str | None,
    dtype: torch.dtype = torch.float32,
) -> nn.Sequential:
    """Linear layers with the activation between them, none after the last; parameters not yet initialised.

    (batch, num_inputs) -> (batch, num_outputs). Without hidden layers it is a linear model.
    """
    widths = [num_inputs, *hidden, num_outputs]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        if layers and activation is not None:
            layers.append(ACTIVATIONS[activation]())
        layers.append(skip_init(nn.Linear, fan_in, fan_out, dtype=dtype))
    return nn.Sequential(*layers)


@torch.no_grad()
def initialise(network: nn.Module, init: str, generator: torch.Generator) -> None:
    """Draw the parameters of every linear layer, in place.

    Every initialiser scales the same base draws, uniform on [-1, 1): with one seed, variants start from one pattern.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bounds = INITIALISERS[init](layer.in_features, layer.out_features)
            for parameter, bound in zip((layer.weight, layer.bias), bounds, strict=True):
                parameter.uniform_(-1, 1, generator=generator).mul_(bound)


# --- Losses and scores ---

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


# --- Runs: for each seed trained parameters and a history ---

Parameters = dict[str, Tensor]
"""A network's state_dict: the name of each parameter and its values."""


@dataclass(frozen=True)
class Epoch:
    """Scores after an epoch (or part of one: 0.5); epoch 0 is before training. Losses are of standardised targets.

    Those on the training split are, from epoch 1, the mean over the epoch's minibatches, each scored just before
    its step: they cost nothing extra, and lag behind the parameters by half an epoch.
    """

    epoch: float
    train: Scores
    validation: Scores


@dataclass(frozen=True)
class Run:
    seed: int
    parameters: Parameters
    history: tuple[Epoch, ...]


def save_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write the trained parameters of every run into one file of tensors."""
    save_tensors(path, {str(run.seed): run.parameters for run in runs})


def load_runs(path: Path) -> dict[int, Parameters]:
    """The trained parameters of every run, by seed."""
    return {int(seed): parameters for seed, parameters in load_tensors(path).items()}


def history_table(runs: Sequence[Run], task: Task) -> pd.DataFrame:
    """One row per seed and epoch: losses and, in classification, accuracies on train and validation."""
    rows = [
        (run.seed, each.epoch, each.train.loss, each.validation.loss, each.train.accuracy, each.validation.accuracy)
        for run in sorted(runs, key=lambda run: run.seed)
        for each in run.history
    ]
    columns = ["seed", "epoch", "train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]
    return pd.DataFrame(rows, columns=columns).loc[:, columns if task == "classification" else columns[:4]]
