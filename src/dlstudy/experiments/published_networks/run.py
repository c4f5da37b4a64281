"""Networks that others publish figures of, trained by the study's own engine with their settings, several seeds each.

The first are the perceptrons of table 3 of Fashion-MNIST's paper, which scikit-learn trained with Adam for up to 200
epochs. Ours have fewer epochs, the images of the training split alone, no penalty on the weights, biases that start at
0 and standardised pixels.

The other is the network of a tutorial, whose sigmoid did not learn in one edition and did in another. Both editions
start from PyTorch's default weights, the second on purpose: Flax, in which it is written, would by itself draw weights
of three times the variance, as `lecun` does here. What the editions share besides is a rule that stops a training whose
validation accuracy has not risen for some epochs. So theory says first how small the backward signal is in the lowest
layer, under either initialisation; then it is measured; and then the network is trained from both until it begins to
learn, to compare that epoch with the one at which the rule would have stopped it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from operator import call
from pathlib import Path
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.dataset import Dataset, Scale, Split, load_dataset
from dlstudy.core.execution import map_runs
from dlstudy.core.networks import EVALUATION_BATCH, Scores
from dlstudy.experiments.published_networks.params import (
    PublishedNetworksParams,
    TableParams,
    TutorialParams,
    TutorialRun,
)
from dlstudy.signals.layers import (
    drawn_network,
    layer_variances,
    mean_field,
    observed_images,
    pass_through,
    shortened,
    signals,
)
from dlstudy.tuning.jobs import Row
from dlstudy.tuning.stacks import Images, Member, Order, Recipe, Stack, scores_on_test

PARAMS = PublishedNetworksParams
load = partial(load_dataset, Path("data/prepared/images.pt"))

ABOVE_CHANCE: Final = 2.0  # times the accuracy of guessing: a network that reaches as much has begun to learn

Cell = tuple[tuple[int, ...], str]  # widths of the hidden layers, activation


def run(images: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of both publications' networks, and the facts."""
    return {**train_all(images, params, seeds), "facts": facts(images, params, seeds)}


def train_all(dataset: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table: signals by theory and measured, then all trainings, the tutorial's first since they take longest."""
    table, tutorial = params.table, params.tutorial
    by_layer = signal_table(dataset, tutorial, seeds)
    runs = list(product(tutorial.runs, seeds[: tutorial.num_seeds]))
    shapes = {network.hidden: network.num_epochs for network in table.networks}
    cells = list(product(shapes, table.activations))
    jobs = [partial(train_run, dataset, tutorial, run, seed) for run, seed in runs]
    jobs += [partial(train_cell, dataset, table, seeds[: table.num_seeds], cell, shapes[cell[0]]) for cell in cells]
    found = map_runs(call, jobs, label="published_networks")
    of_runs = list(zip(runs, found[: len(runs)], strict=True))
    of_cells = list(zip(cells, found[len(runs) :], strict=True))
    rows = {
        "table": [
            named(cell) | {"seed": member.seed, "test_accuracy": accuracy}
            for cell, each in of_cells
            for member, accuracy in zip(each.members, each.test_accuracies, strict=True)
        ],
        "table_epochs": [row for cell, each in of_cells for row in epoch_rows(cell, each)],
        "tutorial": [run_row(tutorial, run, seed, each, dataset.num_outputs) for (run, seed), each in of_runs],
        "tutorial_epochs": [
            row for (run, _), each in of_runs for row in epoch_rows((tutorial.hidden, run.activation), each)
        ],
        "tutorial_signals": by_layer,
    }
    return {name: pd.DataFrame(each) for name, each in rows.items()}


def named(cell: Cell) -> Row:
    """The columns that name a network: "100-10", "relu"."""
    hidden, activation = cell
    return {"hidden": "-".join(map(str, hidden)), "activation": activation}


def facts(dataset: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, Any]:
    """What was trained, and on what; a gain is fan_in times the variance of a layer's weights, by initialiser."""
    widths = [dataset.num_features, *params.tutorial.hidden, dataset.num_outputs]
    return {
        "table": params.table.model_dump() | {"num_seeds": min(params.table.num_seeds, len(seeds))},
        "tutorial": params.tutorial.model_dump() | {"num_seeds": min(params.tutorial.num_seeds, len(seeds))},
        "num_signal_seeds": len(seeds),
        "num_examples": dataset.num_examples,
        "loss_of_guessing": math.log(dataset.num_outputs),
        "learning_above": ABOVE_CHANCE / dataset.num_outputs,
        "gains": {
            run.init: [layer.fan_in * layer.weight for layer in layer_variances(run.init, widths, 0.0)]
            for run in params.tutorial.runs
        },
    }


# --- Training by whole epochs, scored on each member's validation split after every epoch ---


@dataclass(frozen=True)
class Trained:
    """A trained stack: its members' validation scores by epoch, epoch 0 before training, and test accuracies."""

    members: tuple[Member, ...]
    epochs: tuple[tuple[Scores, ...], ...]  # (epochs, members)
    test_accuracies: tuple[float, ...]


def train(images: Images, recipe: Recipe, members: Sequence[Member], *, enough: float = 1.0) -> Trained:
    """As many epochs as the recipe says, or fewer: it ends once every member's validation accuracy is above `enough`.

    The test split is scored once, after the last epoch.
    """
    stack = Stack.new(recipe, members, images.pool.features.shape[1], images.num_classes)
    order, num_steps = Order(images, members, recipe.batch_size), math.ceil(images.num_train / recipe.batch_size)
    last = num_steps * recipe.num_epochs if recipe.decay else math.inf  # where the learning rate is 0
    epochs = [validation_scores(stack, images)]
    while len(epochs) <= recipe.num_epochs and not all(scores.accuracy > enough for scores in epochs[-1]):
        for number in range((len(epochs) - 1) * num_steps, len(epochs) * num_steps):
            stack.step(order.next(), 1 - number / last, number + 1)
        epochs.append(validation_scores(stack, images))
    return Trained(tuple(members), tuple(epochs), tuple(score.accuracy for score in scores_on_test(stack, images)))


@torch.no_grad()
def validation_scores(stack: Stack, images: Images) -> tuple[Scores, ...]:
    """The cross-entropy and the accuracy of each member on its own validation split."""
    rows = torch.stack([images.division(member.seed)[1] for member in stack.members])  # (members, images)
    losses, num_right = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.int64)
    for chosen in rows.split(EVALUATION_BATCH, 1):
        outputs, targets = stack.outputs(images.pool.features[chosen]), images.pool.targets[chosen]
        each = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none")
        losses += each.view(targets.shape).double().sum(1)
        num_right += (outputs.argmax(2) == targets).sum(1)
    pairs = zip(losses.tolist(), num_right.tolist(), strict=True)
    return tuple(Scores(loss / rows.shape[1], right / rows.shape[1]) for loss, right in pairs)


def epoch_rows(cell: Cell, found: Trained) -> list[Row]:
    """One row per seed and epoch, epoch 0 before training: scores on the validation split."""
    return [
        named(cell)
        | {"init": member.init, "seed": member.seed, "epoch": epoch}
        | {"validation_loss": scores[place].loss, "validation_accuracy": scores[place].accuracy}
        for place, member in enumerate(found.members)
        for epoch, scores in enumerate(found.epochs)
    ]


def train_cell(dataset: Dataset, params: TableParams, seeds: Sequence[int], cell: Cell, num_epochs: int) -> Trained:
    """One network of the table with every seed, as one stack."""
    hidden, activation = cell
    recipe = Recipe(
        hidden=hidden,
        activations=(activation,) * len(hidden),
        batch_size=params.batch_size,
        num_epochs=num_epochs,
        optimiser="adam",
        decay=False,
    )
    return train(Images.of(dataset), recipe, [Member(seed, params.init, params.lr) for seed in seeds])


# --- The tutorial ---


def as_the_tutorial_has_them(dataset: Dataset) -> Dataset:
    """The same images with pixels from -1 to 1, as (x / 255 - 0.5) / 0.5 makes them."""
    half = torch.tensor(127.5, dtype=torch.float64)
    return replace(dataset, feature_scale=Scale(half, half))


def signal_table(dataset: Dataset, params: TutorialParams, seeds: Sequence[int]) -> list[Row]:
    """A row per run and hidden layer but the last: delta, and delta over that of the layer above. Theory, measured."""
    images = observed_images(as_the_tutorial_has_them(dataset), params.num_images)
    widths, squares = [dataset.num_features, *params.hidden, dataset.num_outputs], images.features.square().mean(1)
    rows = []
    for run in params.runs:
        predicted = mean_field(run.activation, layer_variances(run.init, widths, 0.0), squares, widths[-1])
        theory = predicted.backward.mean(1).sqrt()  # (layers,), the rms of delta
        found = torch.stack([measured_backward(images, widths, run, seed) for seed in seeds])  # (seeds, layers)
        rows += [layer_row(run, theory, found, layer) for layer in range(len(theory) - 1)]
    return rows


def measured_backward(images: Split, widths: Sequence[int], run: TutorialRun, seed: int) -> Tensor:
    """The rms of delta in each hidden layer, of one drawing of the weights; (layers,)."""
    network = drawn_network(widths, run.activation, run.init, 0.0, seed, images.features.dtype)
    return signals(pass_through(network, images, network[0](images.features))).backward


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
