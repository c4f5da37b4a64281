"""Squared error against cross-entropy as the loss of a classifier, and controls of how comparisons are decided.

Every network x loss has its learning rate tuned by rungs, as on the ladder: on its own, with seeds of its own and on
validation splits only. Then each seed that counts divides the images anew, the same for every variant, and the test
split is scored once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.core.execution import map_runs
from dlstudy.core.randomness import generator
from dlstudy.experiments.losses.closed_form import least_squares_outputs
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.experiments.losses.scores import Outputs, scores_of, scoring_job
from dlstudy.tuning.jobs import Memo, Networks, Row, chosen_table, sorted_table, tuning_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, RungTrial, climb_rungs
from dlstudy.tuning.stacks import Images, Member, Recipe, StackLoss

AGAIN: Final = "again"
"""The perceptron with cross-entropy as its own rival, an A/A control: tuned with other seeds, other initial weights."""

NAMES: Final = (*product(("mlp", "linear"), ("cross_entropy", "squared_error")), ("mlp", AGAIN))
CLOSED_FORM: Final = {"network": "linear", "loss": "closed_form", "budget": 0.0}  # which takes no epochs


class Cell(NamedTuple):
    network: str
    loss: str
    budget: float  # epochs


@dataclass(frozen=True)
class Comparison:
    tables: Mapping[str, pd.DataFrame]  # tuning, chosen, per_seed, controls
    facts: Mapping[str, Any]


def compare(dataset: Dataset, images: Images, memo: Memo, params: LossesParams) -> Comparison:
    """The whole experiment: tune, train with every seed, score, control."""
    networks = networks_of(images, memo, params)
    climbs = climb(networks, params)
    found = confirmed(networks, climbs, params)
    solved = map_runs(closed_form_row, params.seeds, label="losses: closed form", shared=(dataset,))
    rows = [{**trial.place._asdict(), "seed": trial.seed, **row} for trial, row in found if row]
    tables = {
        "tuning": tuning_table(climbs),
        "chosen": chosen_table(climbs),
        "per_seed": sorted_table([*rows, *solved], [*Cell._fields, "seed"]).drop(columns="handicapped"),
        "controls": control_table(rows),
    }
    return Comparison(tables, facts_of(dataset, params, [trial for trial, row in found if not row]))


def facts_of(dataset: Dataset, params: LossesParams, diverged: Sequence[RungTrial[Cell]]) -> dict[str, Any]:
    return {
        **params.model_dump(),
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "diverged": [{**trial.place._asdict(), "seed": trial.seed} for trial in diverged],
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


def closed_form_row(dataset: Dataset, seed: int) -> Row:
    """The scores of least squares, solved at once, on the seed's division of the images."""
    division = dataset.redivided(generator(seed, "split"))
    outputs = least_squares_outputs(division.train, (division.validation, division.test), division.num_outputs)
    scores = scores_of(Outputs(*outputs), division.validation.targets, division.test.targets)
    return {**CLOSED_FORM, "seed": seed, **scores}


# --- Negative controls ---


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
