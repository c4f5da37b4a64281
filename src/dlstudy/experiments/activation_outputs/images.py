"""Activations of the outputs, mixed activations, none at all, and deep sigmoid networks with a rescue each.

Every cell has its learning rate tuned by rungs, as on the ladder: on its own, with seeds of its own and on validation
splits only. Then each seed that counts divides the images anew, the same for every cell, and the test split is scored
once.
"""

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.experiments.activation_outputs.logits import confirming_job
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.variants import Cell, init_of, mixtures, recipe_of, rungs_of
from dlstudy.tuning.jobs import Memo, Networks, Row, chosen_table, sorted_table, tuning_table
from dlstudy.tuning.params import step_of
from dlstudy.tuning.rungs import Climb, Configuration, climb_rungs
from dlstudy.tuning.stacks import Images, Member


def compare(images: Images, memo: Memo, params: OutputsParams) -> dict[str, pd.DataFrame]:
    """Every table of the images: tune, train with every seed, score."""
    networks = networks_of(images, memo, params)
    climbs = climb(networks, params)
    found = networks.confirmed(climbs, params.seeds, params.stack_size, confirming_job, "scores and logits")
    tables: dict[str, list[Row]] = {"per_seed": [], "collapse": [], "logits": []}
    for trial, row in found:
        for table, rows in tables.items():
            if table in row:
                rows.append({**trial.place._asdict(), "seed": trial.seed, **row[table]})
    keys = [*Cell._fields, "seed"]
    return {
        "tuning": tuning_table(climbs),
        "chosen": chosen_table(climbs),
        **{name: sorted_table(rows, keys) for name, rows in tables.items()},
    }


def networks_of(images: Images, memo: Memo, params: OutputsParams) -> Networks[Cell]:
    return Networks(
        images,
        memo,
        "activation_outputs",
        recipe_of=lambda cell: recipe_of(cell, params),
        member_of=lambda trial: Member(trial.seed, trial.configuration.init, trial.configuration.lr),
    )


def climb(networks: Networks[Cell], params: OutputsParams) -> list[Climb[Cell]]:
    """The climb of every cell; the test split is not looked at."""

    def first(cell: Cell) -> list[Configuration]:
        rates = params.adam_learning_rates if cell.variant == "adam" else params.learning_rates
        return [Configuration(init_of(cell), step_of(lr)) for lr in rates]

    rungs = [
        [Climb(cell, params.tuning_seeds, networks.images.guessing) for cell in cells]
        for cells in rungs_of(params.budgets)
    ]
    return climb_rungs(rungs, first, networks.scored)


def facts_of(dataset: Dataset, params: OutputsParams) -> Row:
    """What was compared, and on what."""
    return {
        **params.model_dump(exclude={"price"}),
        "num_seeds": len(params.seeds),
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "mixtures": mixtures(params.middle_depth),
    }
