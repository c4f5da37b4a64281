"""Activations of the outputs, mixed activations, none at all, and deep sigmoid networks with a rescue each.

Every cell has its learning rate tuned on its own, with seeds of its own and on validation splits only. Then each of
the study's seeds divides the images anew, the same for every cell, and the test split is scored once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from dlstudy.core.dataset import Dataset
from dlstudy.experiments.activation_outputs.logits import collapse_rows, silence_rows
from dlstudy.experiments.activation_outputs.params import OutputsParams
from dlstudy.experiments.activation_outputs.variants import (
    CELLS,
    COLLAPSING,
    DEEP,
    MIDDLE,
    SHALLOW,
    SOFTMAX_REGRESSION,
    Cell,
    init_of,
    mixtures,
    recipe_of,
)
from dlstudy.tuning.jobs import (
    Job,
    Networks,
    Row,
    chosen_table,
    map_longest_first,
    scores_of,
    sorted_table,
    tuning_table,
)
from dlstudy.tuning.search import Score, Trial, choices_of, tune
from dlstudy.tuning.stacks import Images, Stack, accuracies_on_test, accuracies_on_validation


def compare(dataset: Dataset, params: OutputsParams, seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Every table of the images: tune, train with every seed, score."""
    images, networks = Images.of(dataset), networks_of(params)
    scores = tune_cells(images, params)
    choices = choices_of(CELLS, scores, guessing=images.guessing)
    jobs = networks.confirming_jobs(choices, seeds, params.stack_size)
    found = map_longest_first(confirm, jobs, label="activation_outputs", shared=(images,))
    keys = ["network", "variant", "seed"]
    return {
        "tuning": tuning_table(scores),
        "chosen": chosen_table(choices, scores, "validation_accuracy"),
        "per_seed": sorted_table([row for each in found for row in each.rows], keys),
        "collapse": sorted_table([row for each in found for row in each.collapse], ["seed"]),
        "logits": sorted_table([row for each in found for row in each.logits], ["variant", "seed"]),
    }


def networks_of(params: OutputsParams) -> Networks[Cell]:
    return Networks(recipe_of=lambda cell: recipe_of(cell, params), init_of=init_of, mixed=True)


def facts_of(dataset: Dataset, params: OutputsParams, seeds: Sequence[int]) -> Row:
    """What was compared, and on what."""
    return {
        **params.model_dump(exclude={"price"}),
        "num_seeds": len(seeds),
        "num_deep_tuning_seeds": min(params.num_deep_tuning_seeds, len(params.tuning_seeds)),
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "mixtures": mixtures(params.middle_depth),
    }


# --- Tuning ---


def tune_cells(images: Images, params: OutputsParams) -> dict[Trial[Cell], Score]:
    """Every trial of every cell; the test split is not looked at.

    Networks with several hidden layers take long and are in no confirmatory claim: fewer seeds, an unrefined grid.
    """
    score_all = partial(networks_of(params).score_trials, images, "activation_outputs")
    few = params.tuning_seeds[: params.num_deep_tuning_seeds]
    adam = tuple(cell for cell in DEEP if cell.variant == "adam")
    others = tuple(cell for cell in (*MIDDLE, *DEEP) if cell not in adam)
    return {
        **tune(others, params.learning_rates, few, score_all, refine=False, guessing=images.guessing),
        **tune(adam, params.adam_learning_rates, few, score_all, refine=False, guessing=images.guessing),
        **tune((SOFTMAX_REGRESSION, *SHALLOW), params.learning_rates, params.tuning_seeds, score_all),
    }


# --- The seeds of the study ---


@dataclass(frozen=True)
class Found:
    """What one stack adds to the tables of the same names, per_seed (rows) first."""

    rows: list[Row]
    collapse: list[Row]
    logits: list[Row]


def confirm(images: Images, job: Job[Cell]) -> Found:
    stack, cell = job.trained(images), job.trials[0].cell
    logits = silence_rows(stack, images) if cell in SHALLOW and cell != COLLAPSING else []
    return Found(
        rows=final_rows(stack, images, cell),
        collapse=collapse_rows(stack, images) if cell == COLLAPSING else [],
        logits=[{"variant": cell.variant, **row} for row in logits],
    )


def final_rows(stack: Stack, images: Images, cell: Cell) -> list[Row]:
    """One row a network: accuracy on test, of deep ones on validation, which is what counts them as trained.

    One that diverged has an accuracy of 0 and says so.
    """
    split, accuracies = ("validation", accuracies_on_validation) if cell in DEEP else ("test", accuracies_on_test)
    return [
        {**cell._asdict(), "seed": member.seed, "diverged": score.diverged, "split": split, "accuracy": score.accuracy}
        for member, score in zip(stack.members, scores_of(stack, accuracies(stack, images)), strict=True)
    ]
