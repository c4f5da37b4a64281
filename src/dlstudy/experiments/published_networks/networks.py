"""Networks that others publish figures of, trained by the study's own engine with their settings, several seeds each.

The first are the perceptrons of table 3 of Fashion-MNIST's paper, which scikit-learn trained with Adam for up to 200
epochs. Ours have fewer epochs, the images of the training split alone, no penalty on the weights, biases that start at
0 and standardised pixels. The other network is a tutorial's.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.core.execution import map_runs
from dlstudy.experiments.published_networks.params import PublishedNetworksParams, TableParams
from dlstudy.experiments.published_networks.training import Trained, train
from dlstudy.experiments.published_networks.tutorial import ABOVE_CHANCE, Row, gains, run_row, signal_table, train_run
from dlstudy.tuning.stacks import Images, Member, Recipe

Cell = tuple[tuple[int, ...], str]  # widths of the hidden layers, activation


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


def train_all(dataset: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table: signals by theory and measured, then all trainings, the tutorial's first since they take longest."""
    of_table, of_tutorial = seeds[: params.table.num_seeds], seeds[: params.tutorial.num_seeds]
    signals = signal_table(dataset, params.tutorial, seeds)
    runs = list(product(params.tutorial.runs, of_tutorial))
    shapes = {network.hidden: network.num_epochs for network in params.table.networks}
    cells = list(product(shapes, params.table.activations))
    jobs = [partial(train_run, dataset, params.tutorial, run, seed) for run, seed in runs]
    jobs += [partial(train_cell, dataset, params.table, of_table, cell, shapes[cell[0]]) for cell in cells]
    found = map_runs(_done, jobs, label="published_networks")
    of_runs = list(zip(runs, found[: len(runs)], strict=True))
    of_cells = list(zip(cells, found[len(runs) :], strict=True))
    return {
        "table": pd.DataFrame([row for cell, each in of_cells for row in cell_rows(cell, each)]),
        "table_epochs": pd.DataFrame([row for cell, each in of_cells for row in epoch_rows(named(cell), each)]),
        "tutorial": pd.DataFrame(
            [run_row(params.tutorial, run, seed, each, dataset.num_outputs) for (run, seed), each in of_runs]
        ),
        "tutorial_epochs": pd.DataFrame(
            [
                row
                for (run, _), each in of_runs
                for row in epoch_rows(named((params.tutorial.hidden, run.activation)), each)
            ]
        ),
        "tutorial_signals": pd.DataFrame(signals),
    }


def _done(job: Callable[[], Trained]) -> Trained:
    return job()


# --- Tables ---


def named(cell: Cell) -> Row:
    """The columns that name a network: "100-10", "relu"."""
    hidden, activation = cell
    return {"hidden": "-".join(map(str, hidden)), "activation": activation}


def cell_rows(cell: Cell, found: Trained) -> list[Row]:
    """One row per seed: test accuracy after the last epoch."""
    pairs = zip(found.members, found.test_accuracies, strict=True)
    return [named(cell) | {"seed": member.seed, "test_accuracy": accuracy} for member, accuracy in pairs]


def epoch_rows(names: Row, found: Trained) -> list[Row]:
    """One row per seed and epoch, epoch 0 before training: scores on the validation split."""
    return [
        names
        | {"init": member.init, "seed": member.seed, "epoch": epoch}
        | {"validation_loss": scores[place].loss, "validation_accuracy": scores[place].accuracy}
        for place, member in enumerate(found.members)
        for epoch, scores in enumerate(found.epochs)
    ]


def facts(dataset: Dataset, params: PublishedNetworksParams, seeds: Sequence[int]) -> dict[str, Any]:
    """What was trained, and on what."""
    return {
        "table": params.table.model_dump() | {"num_seeds": min(params.table.num_seeds, len(seeds))},
        "tutorial": params.tutorial.model_dump() | {"num_seeds": min(params.tutorial.num_seeds, len(seeds))},
        "num_signal_seeds": len(seeds),
        "num_examples": dataset.num_examples,
        "loss_of_guessing": math.log(dataset.num_outputs),
        "learning_above": ABOVE_CHANCE / dataset.num_outputs,
        "gains": gains(dataset, params.tutorial),
    }
