"""The network of a tutorial, whose sigmoid did not learn in one edition and did in another.

Both editions start from PyTorch's default weights, the second on purpose: Flax, in which it is written, would by itself
draw weights of three times the variance, as `lecun` does here. What the editions share besides is a rule that stops a
training whose validation accuracy has not risen for some epochs. So theory says first how small the backward signal is
in the lowest layer, under either initialisation; then it is measured; and then the network is trained from both until
it begins to learn, to compare that epoch with the one at which the rule would have stopped it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor

from dlstudy.core.dataset import Dataset, Scale, Split
from dlstudy.experiments.published_networks.params import TutorialParams, TutorialRun
from dlstudy.experiments.published_networks.training import Trained, train
from dlstudy.signals.layers import (
    drawn_network,
    layer_variances,
    mean_field,
    observed_images,
    pass_through,
    shortened,
    signals,
)
from dlstudy.tuning.stacks import Images, Member, Recipe

Row = dict[str, Any]

ABOVE_CHANCE: Final = 2.0  # times the accuracy of guessing: a network that reaches as much has begun to learn


def as_the_tutorial_has_them(dataset: Dataset) -> Dataset:
    """The same images with pixels from -1 to 1, as (x / 255 - 0.5) / 0.5 makes them."""
    half = torch.tensor(127.5, dtype=torch.float64)
    return replace(dataset, feature_scale=Scale(half, half))


# --- Signals as initialised ---


def tutorial_widths(dataset: Dataset, params: TutorialParams) -> list[int]:
    return [dataset.num_features, *params.hidden, dataset.num_outputs]


def predicted_backward(images: Split, widths: Sequence[int], run: TutorialRun) -> Tensor:
    """The rms of delta in each hidden layer by mean-field theory; (layers,)."""
    squares = images.features.square().mean(1)
    theory = mean_field(run.activation, layer_variances(run.init, widths, 0.0), squares, widths[-1])
    return theory.backward.mean(1).sqrt()


def measured_backward(images: Split, widths: Sequence[int], run: TutorialRun, seed: int) -> Tensor:
    """The same of one drawing of the weights."""
    network = drawn_network(widths, run.activation, run.init, 0.0, seed, images.features.dtype)
    return signals(pass_through(network, images, network[0](images.features))).backward


def signal_table(dataset: Dataset, params: TutorialParams, seeds: Sequence[int]) -> list[Row]:
    """A row per run and hidden layer but the last: delta, and delta over that of the layer above. Theory, measured."""
    scaled = as_the_tutorial_has_them(dataset)
    images, widths = observed_images(scaled, params.num_images), tutorial_widths(dataset, params)
    rows = []
    for run in params.runs:
        theory = predicted_backward(images, widths, run)
        found = torch.stack([measured_backward(images, widths, run, seed) for seed in seeds])  # (seeds, layers)
        rows += [layer_row(run, theory, found, layer) for layer in range(len(theory) - 1)]
    return rows


def layer_row(run: TutorialRun, theory: Tensor, found: Tensor, layer: int) -> Row:
    """Of one hidden layer, counted from 0 here and from 1 in the row; (layers,), (seeds, layers)."""
    of_seeds = found[:, layer] / found[:, layer + 1]
    numbers = {
        "predicted": theory[layer],
        "measured": found[:, layer].log().mean().exp(),
        "predicted_ratio": theory[layer] / theory[layer + 1],
        "ratio": of_seeds.log().mean().exp(),
        "ratio_low": of_seeds.min(),
        "ratio_high": of_seeds.max(),
    }
    names = {"activation": run.activation, "init": run.init, "layer": layer + 1}
    return names | {name: shortened(value) for name, value in numbers.items()}


# --- Training ---


def train_run(dataset: Dataset, params: TutorialParams, run: TutorialRun, seed: int) -> Trained:
    recipe = Recipe(
        hidden=params.hidden,
        activations=(run.activation,) * len(params.hidden),
        batch_size=params.batch_size,
        num_epochs=params.max_epochs,
        momentum=params.momentum,
        decay=False,
    )
    images = Images.of(as_the_tutorial_has_them(dataset))
    return train(images, recipe, [Member(seed, run.init, params.lr)], enough=ABOVE_CHANCE / dataset.num_outputs)


def run_row(params: TutorialParams, run: TutorialRun, seed: int, found: Trained, num_classes: int) -> Row:
    """What became of one training: the epoch in which it began to learn, and that after which the rule stops it.

    0 stands for neither within the epochs trained.
    """
    curve = [scores.accuracy for (scores,) in found.epochs[1:]]
    return {
        "activation": run.activation,
        "init": run.init,
        "seed": seed,
        "num_epochs": len(curve),
        "begins": len(curve) if curve[-1] > ABOVE_CHANCE / num_classes else 0,
        "stops": stopping_epoch(curve, params.patience),
        "validation_accuracy": curve[-1],
        "test_accuracy": found.test_accuracies[0],
    }


def stopping_epoch(accuracies: Sequence[float], patience: int) -> int:
    """The epoch, counted from 1, after which the tutorial's rule ends a training; 0 if it would go on.

    It ends where the best epoch so far lies `patience` epochs back; an epoch that only equals the best is no better.
    """
    best = 0
    for epoch, accuracy in enumerate(accuracies):
        if epoch == 0 or accuracy > accuracies[best]:
            best = epoch
        elif best <= epoch - patience:
            return epoch + 1
    return 0


def gains(dataset: Dataset, params: TutorialParams) -> dict[str, list[float]]:
    """fan_in times the variance of a weight of each layer, by initialiser."""
    widths = tutorial_widths(dataset, params)
    return {
        run.init: [layer.fan_in * layer.weight for layer in layer_variances(run.init, widths, 0.0)]
        for run in params.runs
    }
