"""How large signals are in each layer of a network: predicted by mean-field theory, and measured on real images.

Forwards, the signal of a layer is the root mean square (rms) of its pre-activations and of its activations; backwards,
the rms of delta, the derivative of an image's own loss by the pre-activations. All are over units and images. What the
claims read is the ratio of backward signals from one hidden layer to the one below it, in the geometric mean. Networks
are looked at as initialised, and some also during the first steps of a training.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, pairwise, product, repeat
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn

from dlstudy.core.base.dataset import Dataset, Split, load_dataset
from dlstudy.core.base.errors import DivergedError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import cross_entropy, matching_init
from dlstudy.experiments.signal_propagation.params import CLAIMED_ACTIVATIONS, SignalParams
from dlstudy.sgd.loop import minibatches, train_epoch
from dlstudy.signals.layers import (
    Signals,
    backward_ratio,
    dead_shares,
    drawn_network,
    layer_variances,
    mean_field,
    mean_ratio,
    observed_images,
    pass_through,
    shortened,
    signals,
    variances,
    weight_gradients,
    widths_of,
    with_activation,
)

PARAMS = SignalParams
load = partial(load_dataset, Path("data/prepared/images.pt"))

Row = dict[str, Any]
Cell = tuple[str, str]  # activation and initialiser

TRAINED: Final = [(name, init) for name in CLAIMED_ACTIVATIONS for init in (matching_init(name), "pytorch")]
"""Each activation of the claims with the initialiser made for it, and with PyTorch's default."""


def run(images: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of networks as initialised and of a short training, and the facts."""
    tables = propagate(images, params, seeds) | trainings(images, params, seeds)
    return {**tables, "facts": facts(images, params, seeds)}


def facts(dataset: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, Any]:
    """What was measured, and on what; a gain is fan_in times the variance of a weight, between two hidden layers."""
    width = params.width
    squares = observed_images(dataset, params.num_images).features.square().mean(1)
    return {
        **params.model_dump(),
        "num_seeds": len(seeds),
        "num_training_seeds": min(params.num_training_seeds, len(seeds)),
        "num_training_images": len(dataset.train),
        "num_features": dataset.num_features,
        "num_outputs": dataset.num_outputs,
        "loss_of_guessing": math.log(dataset.num_outputs),
        "gains": {init: width * variances(init, width, width, params.small_std).weight for init in params.inits},
        "ratio_layers": [2, params.depth - 1],
        "num_ratios": params.depth - 3,
        "input_square_mean": squares.mean().item(),
        "input_square_smallest": squares.min().item(),
        "input_square_largest": squares.max().item(),
    }


# --- Networks as initialised ---


def predicted(images: Split, widths: Sequence[int], activation: str, init: str, small_std: float) -> Signals:
    """Mean-field theory of the same signals, pooled over the images as measured ones are."""
    layers, squares = layer_variances(init, widths, small_std), images.features.square().mean(1)
    theory = mean_field(activation, layers, squares, widths[-1])
    return Signals(*(values.mean(1).sqrt() for values in (theory.preactivation, theory.output, theory.backward)))


def measured(images: Split, params: SignalParams, widths: Sequence[int], run: tuple[int, str]) -> list[Row]:
    """What is measured of one drawing of the weights, by a seed and an initialiser, for every activation."""
    seed, init = run
    rows, drawn = [], drawn_network(widths, "identity", init, params.small_std, seed, images.features.dtype)
    first = drawn[0](images.features)
    for activation in params.activations:
        found = pass_through(with_activation(drawn, activation), images, first)
        row = {"activation": activation, "init": init, "seed": seed, "signals": signals(found)}
        if activation in CLAIMED_ACTIVATIONS:
            row["weight_gradients"] = weight_gradients(found)
        if activation == "relu":
            shares = enumerate(dead_shares(found).tolist(), start=1)
            row["dead"] = [{"init": init, "seed": seed, "layer": layer, "share": share} for layer, share in shares]
        rows.append(row)
    return rows


def propagate(dataset: Dataset, params: SignalParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the networks as initialised. Theory first, then each initialiser with each seed."""
    images, widths = observed_images(dataset, params.num_images), widths_of(dataset, params.width, params.depth)
    cells = product(params.activations, params.inits)
    theory: dict[Cell, Signals] = {cell: predicted(images, widths, *cell, params.small_std) for cell in cells}
    runs = list(product(seeds, params.inits))
    rows = list(chain(*map_runs(measured, runs, label="signal_propagation", shared=(images, params, widths))))
    found: dict[Cell, list[Row]] = {cell: [] for cell in theory}
    for row in rows:
        found[row["activation"], row["init"]].append(row)
    return {
        "ratios": ratio_table(theory, found),
        "layers": layer_table(theory, found),
        "weight_gradients": weight_gradient_table(found),
        "dead": pd.DataFrame([dead for row in rows for dead in row.get("dead", [])]),
    }


def ratio_table(theory: Mapping[Cell, Signals], found: Mapping[Cell, Sequence[Row]]) -> pd.DataFrame:
    """One row per activation, initialiser and seed: the factor a layer, back and forth, by theory and measured."""
    rows = [
        {
            **{key: row[key] for key in ("activation", "init", "seed")},
            "predicted": backward_ratio(expected),
            "measured": backward_ratio(row["signals"]),
            "forward_predicted": mean_ratio(expected.preactivation),
            "forward_measured": mean_ratio(row["signals"].preactivation),
        }
        for cell, expected in theory.items()
        for row in found[cell]
    ]
    return pd.DataFrame(rows)


def geometric_mean(values: Sequence[Tensor]) -> Tensor:
    """Of each layer over the seeds; (layers,) each -> (layers,)."""
    return torch.stack(list(values)).log().mean(0).exp()


def layer_table(theory: Mapping[Cell, Signals], found: Mapping[Cell, Sequence[Row]]) -> pd.DataFrame:
    """One row per activation, initialiser and hidden layer: signals by theory, and geometric means over the seeds."""
    rows = []
    for (activation, init), expected in theory.items():
        seeds = [vars(row["signals"]) for row in found[activation, init]]
        columns: dict[str, Tensor] = {}
        for name, values in vars(expected).items():
            columns |= {f"predicted_{name}": values, name: geometric_mean([each[name] for each in seeds])}
        by_seed = torch.stack([each["backward"] for each in seeds])  # (seeds, layers)
        columns |= {"backward_low": by_seed.amin(0), "backward_high": by_seed.amax(0)}
        rows += [
            {"activation": activation, "init": init, "layer": layer + 1}
            | {name: shortened(values[layer]) for name, values in columns.items()}
            for layer in range(by_seed.shape[1])
        ]
    return pd.DataFrame(rows)


def weight_gradient_table(found: Mapping[Cell, Sequence[Row]]) -> pd.DataFrame:
    """One row per activation of the claims, initialiser and hidden layer: the gradient's length, geometric mean."""
    rows = [
        (activation, init, layer, shortened(length))
        for (activation, init), seeds in sorted(found.items())
        if activation in CLAIMED_ACTIVATIONS
        for layer, length in enumerate(geometric_mean([row["weight_gradients"] for row in seeds]), start=1)
    ]
    return pd.DataFrame(rows, columns=["activation", "init", "layer", "weight_gradient"])


# --- The first steps of a training ---


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
    dead = table.loc[table["activation"] == "relu", ["init", "seed", "step", "layer", "share"]]
    return {
        "training": table[[*keys, "layer", "backward"]],
        "training_loss": table.loc[table["layer"] == 1, [*keys, "loss"]].reset_index(drop=True),
        "training_dead": dead.reset_index(drop=True),
    }
