"""Squared error against cross-entropy as the loss of a classifier, and controls of how comparisons are decided.

Every network x loss has its learning rate tuned by rungs, as on the ladder: on its own, with seeds of its own and on
validation splits only. Then each seed that counts divides the images anew, the same for every variant, and the test
split is scored once. What squared error makes of a linear classifier is solved at once, too.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own habit

from dlstudy.core.base.dataset import Dataset, Split, load_dataset
from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.randomness import generator
from dlstudy.core.execution import map_runs
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.experiments.losses.scores import Outputs, scores_of, scoring_job
from dlstudy.tuning.jobs import Memo, Networks, Row, chosen_table, sorted_table, tuning_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungTrial, climb_rungs
from dlstudy.tuning.stacks import Images, Member, Recipe, StackLoss

PARAMS = LossesParams
load = partial(load_dataset, Path("data/prepared/images.pt"))
SCORED_BY: Final = "experiments/losses/scores.py"

AGAIN: Final = "again"
"""The perceptron with cross-entropy as its own rival, an A/A control: tuned with other seeds, other initial weights."""

NAMES: Final = (*product(("mlp", "linear"), ("cross_entropy", "squared_error")), ("mlp", AGAIN))

CHUNK: Final = 256
"""Images whose products are summed in float32: 256 x 255 x 255 is below 2^24, so that every sum is exact."""


class Cell(NamedTuple):
    network: str
    loss: str
    budget: float  # epochs


def run(dataset: Dataset, params: LossesParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables tuning, chosen, per_seed and controls, and the facts; the seeds are the experiment's own."""
    images = Images.of(dataset)
    return compare(dataset, images, Memo.of_experiments(images, SCORED_BY), params)


def compare(dataset: Dataset, images: Images, memo: Memo, params: LossesParams) -> dict[str, Any]:
    """The whole experiment: tune, train with every seed, score, control.

    StudyError where a perceptron with cross-entropy diverges with every seed: controls compare the two of a budget.
    """
    networks = networks_of(images, memo, params)
    climbs = climb(networks, params)
    found = confirmed(networks, climbs, params)
    solved = map_runs(closed_form_row, params.seeds, label="losses: closed form", shared=(dataset,))
    rows = [{**trial.place._asdict(), "seed": trial.seed, **row} for trial, row in found]
    finite = [row for row in rows if "test_accuracy" in row]
    trained = {(row["network"], row["loss"], row["budget"]) for row in finite}
    for budget in params.budgets:
        if {("mlp", "cross_entropy", budget), ("mlp", AGAIN, budget)} - trained:
            raise StudyError(
                "experiments.losses.learning_rates: expected rates at which a perceptron with cross-entropy does not "
                f"diverge in {budget:g} epochs, found {list(params.learning_rates)}: with them one diverges with every "
                "seed; add smaller ones"
            )
    return {
        "tuning": tuning_table(climbs),
        "chosen": chosen_table(climbs),
        "per_seed": sorted_table([*finite, *solved], [*Cell._fields, "seed"]).drop(columns="handicapped"),
        "controls": control_table(finite),
        "facts": {
            **params.model_dump(),
            "num_examples": dataset.num_examples,
            "num_classes": dataset.num_outputs,
            "diverged": [row for row in rows if "test_accuracy" not in row],
        },
    }


# --- Networks ---


def networks_of(images: Images, memo: Memo, params: LossesParams) -> Networks[Cell]:
    def recipe(cell: Cell) -> Recipe:
        hidden = params.hidden if cell.network == "mlp" else ()
        loss: StackLoss = "squared_error" if cell.loss == "squared_error" else "cross_entropy"
        return Recipe(hidden, (params.activation,) * len(hidden), params.batch_size, cell.budget, loss=loss)

    def member(trial: RungTrial[Cell]) -> Member:
        weights = "weights_again" if trial.place.loss == AGAIN else "weights"
        return Member(trial.seed, trial.configuration.init, trial.configuration.lr, weights)

    return Networks(images, memo, "losses", recipe, member)


def climb(networks: Networks[Cell], params: LossesParams) -> list[Climb[Cell]]:
    """The climb of every cell; the test split is not looked at."""

    def first(cell: Cell) -> list[Configuration]:
        init = params.init if cell.network == "mlp" else "zeros"
        return [Configuration(init, step_of(lr)) for lr in params.learning_rates]

    def begun(cell: Cell) -> Climb[Cell]:
        seeds = params.again_tuning_seeds if cell.loss == AGAIN else params.tuning_seeds
        return Climb(cell, seeds, networks.images.guessing)

    rungs = [[begun(Cell(*names, budget)) for names in NAMES] for budget in params.budgets]
    return climb_rungs(rungs, first, networks.scored)


def confirmed(
    networks: Networks[Cell], climbs: Sequence[Climb[Cell]], params: LossesParams
) -> list[tuple[RungTrial[Cell], Row]]:
    """The scores of every cell with every seed; of the A/A control also with the handicap."""
    run = partial(networks.confirmed, seeds=params.seeds, stack_size=params.stack_size)
    again = [climb for climb in climbs if climb.place.loss == AGAIN]
    others = [climb for climb in climbs if climb.place.loss != AGAIN]
    return [
        *run(others, run_job=partial(scoring_job, None), purpose="scores"),
        *run(again, run_job=partial(scoring_job, params.handicap), purpose=f"scores, handicap {params.handicap}"),
    ]


def control_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Test accuracy of the reference, of the A/A control, and of that with a planted handicap, by budget and seed."""
    columns = {"cross_entropy": "test_accuracy", AGAIN: "test_accuracy", "handicapped": "handicapped"}
    found = [
        {"variant": variant, "budget": row["budget"], "seed": row["seed"], "test_accuracy": row[column]}
        for variant, column in columns.items()
        for row in rows
        if row["network"] == "mlp" and row["loss"] == variant.replace("handicapped", AGAIN)
    ]
    return sorted_table(found, ["budget", "variant", "seed"])


# --- Linear least squares on unit vectors, in closed form ---


def closed_form_row(dataset: Dataset, seed: int) -> Row:
    """The scores of least squares on the seed's division of the images."""
    division = dataset.redivided(generator(seed, "split"))
    outputs = least_squares_outputs(division.train, (division.validation, division.test), division.num_outputs)
    scores = scores_of(Outputs(*outputs), division.validation.targets, division.test.targets)
    return {**Cell("linear", "closed_form", 0.0)._asdict(), "seed": seed, **scores}  # it takes no epochs


def least_squares_outputs(train: Split, others: tuple[Split, ...], num_classes: int) -> tuple[Tensor, ...]:
    """The outputs (images, classes) on other splits of the linear model that fits the training split best.

    Raw pixels do: standardising them by one scale would change the weights, and none of the outputs. The weights W
    (pixels + 1, classes) minimise the sum of |A W - Y|^2: A'A W = A'Y (the normal equations). These square the
    condition number of A, but need 785 rows where A has 50,000. By the eigenvalues of A'A, of which those that are 0
    but for rounding are left out: the solution of least norm, where pixels are collinear.
    """
    inner, outer = moments(train, num_classes)
    rounding = len(inner) * torch.finfo(inner.dtype).eps
    weights = torch.linalg.pinv(inner, rtol=rounding, hermitian=True) @ outer
    return tuple(with_ones(split.features) @ weights for split in others)


def moments(split: Split, num_classes: int) -> tuple[Tensor, Tensor]:
    """A'A (pixels + 1, pixels + 1) and A'Y (pixels + 1, classes), for the pixels and ones A and the unit vectors Y.

    Exact: sums of whole numbers, in float32 within a chunk (twice as fast) and in float64 over the chunks.
    """
    num_columns = split.features[0].numel() + 1
    inner = torch.zeros(num_columns, num_columns, dtype=torch.float64)
    outer = torch.zeros(num_columns, num_classes, dtype=torch.float64)
    for images, classes in zip(split.features.split(CHUNK), split.targets.split(CHUNK), strict=True):
        A = with_ones(images, torch.float32)  # (chunk, pixels + 1)
        Y = F.one_hot(classes, num_classes).float()  # (chunk, classes)
        inner += A.T @ A
        outer += A.T @ Y
    return inner, outer


def with_ones(images: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Raw pixels, and a 1 for the bias; (images, ...) -> (images, pixels + 1)."""
    return F.pad(images.flatten(1).to(dtype), (0, 1), value=1.0)
