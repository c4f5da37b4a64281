"""The backward signal and the dead units of ReLU during the first steps of a training."""

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import islice
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
from dlstudy.sgd.loop import minibatches, sgd_step
from dlstudy.signals.passes import (
    dead_shares,
    drawn_network,
    first_preactivations,
    observed_images,
    pass_through,
    shortened,
    signals,
    widths_of,
)
from dlstudy.training.losses import cross_entropy

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


def check(dataset: Dataset, params: SignalParams) -> None:
    """ParamsError for a minibatch that the training split cannot fill."""
    if params.training_batch_size > len(dataset.train):
        raise ParamsError(
            "experiments.signal_propagation.training_batch_size: "
            f"expected at most {len(dataset.train)}, the training split, found {params.training_batch_size}"
        )


def take_steps(network: nn.Sequential, dataset: Dataset, batches: Iterator[Tensor], lr: float) -> None:
    """A step of SGD for each minibatch, at a constant learning rate."""
    parameters = list(network.parameters())
    for rows in batches:
        batch = dataset.standardised(Split(dataset.train.features[rows], dataset.train.targets[rows]))
        loss = cross_entropy(network(batch.features), batch.targets)
        sgd_step(parameters, torch.autograd.grad(loss, parameters), lr)


def look(network: nn.Sequential, images: Split, run: Training, step: int) -> list[Row]:
    """One row a hidden layer; float64, as before training. DivergedError where the loss is no finite number."""
    frozen = copy.deepcopy(network).double().requires_grad_(False)
    found = pass_through(frozen, images, first_preactivations(frozen, images))
    if not math.isfinite(found.loss):
        raise DivergedError(
            f"{run.activation}, {run.init}, seed {run.seed} diverged by step {step}: expected a finite loss, found "
            f"{found.loss}; try a smaller experiments.signal_propagation.training_lr"
        )
    dead = dead_shares(found) if run.activation == "relu" else None
    return [
        {**run._asdict(), "step": step, "layer": layer, "loss": found.loss, "backward": shortened(size)}
        | ({} if dead is None else {"share": dead[layer - 1].item()})
        for layer, size in enumerate(signals(found).backward, start=1)
    ]


def train(dataset: Dataset, images: Split, params: SignalParams, run: Training) -> list[Row]:
    """One training, looked at before its first step and after some."""
    widths = widths_of(dataset, params.training_width, params.depth)
    network = drawn_network(widths, run.activation, run.init, params.small_std, run.seed, dataset.dtype)
    network.requires_grad_()
    order = generator(run.seed, "minibatches")
    batches = endless_minibatches(len(dataset.train), params.training_batch_size, order)
    rows, done = [], 0
    for step in params.training_steps:
        take_steps(network, dataset, islice(batches, step - done), params.training_lr)
        rows += look(network, images, run, step)
        done = step
    return rows


def trainings(dataset: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the trainings, spread over processes: losses, backward signals and ReLU's dead units by step."""
    check(dataset, params)
    images = observed_images(dataset, params.num_images)
    runs = [Training(*cell, seed) for cell in TRAINED for seed in seeds[: params.num_training_seeds]]
    found = map_runs(train, runs, label="signal_propagation: training", shared=(dataset, images, params))
    table = pd.DataFrame([row for rows in found for row in rows])
    keys = ["activation", "init", "seed", "step"]
    return {
        "training": table[[*keys, "layer", "backward"]],
        "training_loss": table.loc[table["layer"] == 1, [*keys, "loss"]].reset_index(drop=True),
        "training_dead": table.loc[
            table["activation"] == "relu", ["init", "seed", "step", "layer", "share"]
        ].reset_index(drop=True),
    }
