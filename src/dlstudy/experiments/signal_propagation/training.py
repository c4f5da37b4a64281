"""The backward signal and the dead units of ReLU during the first steps of a training."""

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, repeat
from typing import Any, Final, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from dlstudy.core.dataset import Dataset, Split
from dlstudy.core.errors import DivergedError
from dlstudy.core.execution import map_runs
from dlstudy.core.params import ParamsError
from dlstudy.core.randomness import generator
from dlstudy.experiments.signal_propagation.params import SignalParams
from dlstudy.sgd.loop import minibatches, train_epoch
from dlstudy.signals.layers import (
    dead_shares,
    drawn_network,
    observed_images,
    pass_through,
    shortened,
    signals,
    widths_of,
)
from dlstudy.training.networks import cross_entropy

Row = dict[str, Any]

TRAINED: Final = (
    ("sigmoid", "xavier"),
    ("sigmoid", "pytorch"),
    ("tanh", "xavier"),
    ("tanh", "pytorch"),
    ("relu", "he"),
    ("relu", "pytorch"),
)
"""Each activation of the claims with the initialiser made for it, and with PyTorch's default."""


class Training(NamedTuple):
    """One training; its looks at the network are at params.training_steps."""

    activation: str
    init: str
    seed: int


def endless_minibatches(num_examples: int, batch_size: int, stream: torch.Generator) -> Iterator[Tensor]:
    """The rows of one minibatch after the other, epoch after epoch."""
    while True:
        yield from minibatches(num_examples, batch_size, stream)


def look(network: nn.Sequential, images: Split, run: Training, step: int) -> list[Row]:
    """One row per hidden layer; float64, as before training. DivergedError where the loss is no finite number."""
    frozen = copy.deepcopy(network).double().requires_grad_(False)
    found = pass_through(frozen, images, frozen[0](images.features))
    if not math.isfinite(found.loss):
        raise DivergedError(
            f"{run.activation}, {run.init}, seed {run.seed} diverged by step {step}: expected a finite loss, found "
            f"{found.loss}; try a smaller experiments.signal_propagation.training_lr"
        )
    by_layer = zip(signals(found).backward, dead_shares(found), strict=True)
    return [
        {**run._asdict(), "step": step, "loss": found.loss}
        | {"layer": layer, "backward": shortened(size), "share": share.item()}
        for layer, (size, share) in enumerate(by_layer, start=1)
    ]


def train(dataset: Dataset, images: Split, params: SignalParams, run: Training) -> list[Row]:
    """One training, looked at before its first step and after some."""
    widths = widths_of(dataset, params.training_width, params.depth)
    network = drawn_network(widths, run.activation, run.init, params.small_std, run.seed, dataset.dtype)
    network.requires_grad_()
    split = dataset.standardised(dataset.train)
    batches = endless_minibatches(len(split), params.training_batch_size, generator(run.seed, "minibatches"))
    rows = look(network, images, run, 0)
    for before, step in pairwise(params.training_steps):
        train_epoch(network, split, cross_entropy, islice(batches, step - before), repeat(params.training_lr))
        rows += look(network, images, run, step)
    return rows


def trainings(dataset: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the trainings, spread over processes: losses, backward signals and ReLU's dead units by step."""
    if params.training_batch_size > len(dataset.train):
        raise ParamsError(
            f"experiments.signal_propagation.training_batch_size: expected at most {len(dataset.train)}, "
            f"the training split, found {params.training_batch_size}"
        )
    images = observed_images(dataset, params.num_images)
    runs = [Training(*cell, seed) for cell in TRAINED for seed in seeds[: params.num_training_seeds]]
    found = map_runs(train, runs, label="signal_propagation: training", shared=(dataset, images, params))
    table = pd.DataFrame([row for rows in found for row in rows])
    keys = ["activation", "init", "seed", "step"]
    losses = table.loc[table["layer"] == 1, [*keys, "loss"]]
    dead = table.loc[table["activation"] == "relu", ["init", "seed", "step", "layer", "share"]]
    return {
        "training": table[[*keys, "layer", "backward"]],
        "training_loss": losses.reset_index(drop=True),
        "training_dead": dead.reset_index(drop=True),
    }
