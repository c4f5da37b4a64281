"""Squared error against cross-entropy as the loss of a classifier, and controls of how comparisons are decided.

Every network x loss has its learning rate tuned on its own, with seeds of its own and on validation splits only. Then
each of the study's seeds divides the images anew, the same for every variant, and the test split is scored once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final, NamedTuple, cast

import pandas as pd
import torch
from torch import Tensor

from dlstudy.core.dataset import Dataset
from dlstudy.core.errors import DivergedError, StudyError
from dlstudy.core.execution import map_runs
from dlstudy.core.randomness import generator
from dlstudy.experiments.losses.closed_form import least_squares_outputs
from dlstudy.experiments.losses.params import LossesParams
from dlstudy.sgd.loop import start_run, train_run
from dlstudy.training.calibration import ece, fit_temperature, nll
from dlstudy.training.losses import outputs_of
from dlstudy.training.params import LossName, SgdParams
from dlstudy.tuning.jobs import chosen_table, tuning_table
from dlstudy.tuning.search import Score, Trial, choices_of, tune


class Cell(NamedTuple):
    network: str
    loss: str


CELLS: Final = tuple(Cell(*names) for names in product(("mlp", "linear"), ("cross_entropy", "squared_error")))
"""What is tuned; the network that takes longer first, so that the last to finish are short."""

REFERENCE: Final = Cell("mlp", "cross_entropy")
AGAIN: Final = Cell("mlp", "again")
CLOSED_FORM: Final = Cell("linear", "closed_form")

OTHER_WEIGHTS: Final = 1000
"""Added to a seed for the weights and minibatches of `AGAIN`, which is divided as the seed itself divides."""


@dataclass(frozen=True)
class Comparison:
    tables: Mapping[str, pd.DataFrame]  # tuning, chosen, per_seed, controls
    facts: Mapping[str, Any]


def compare(dataset: Dataset, params: LossesParams, seeds: Sequence[int]) -> Comparison:
    """The whole experiment: tune, train with every seed, score, control."""
    scores = tune_cells(dataset, params)
    choices = choices_of(CELLS, scores)
    rates = {cell: choice.lr for cell, choice in choices.items()}
    results = map_runs(run_seed, seeds, label="losses", shared=(dataset, params, rates))
    tables = {
        "tuning": tuning_table(scores),
        "chosen": chosen_table(choices, scores),
        "per_seed": pd.DataFrame([row for result in results for row in result.rows]),
        "controls": pd.DataFrame([row for result in results for row in result.controls]),
    }
    return Comparison(tables, facts_of(dataset, params, [fault for result in results for fault in result.diverged]))


def facts_of(dataset: Dataset, params: LossesParams, diverged: Sequence[str]) -> dict[str, Any]:
    return {
        "num_examples": dataset.num_examples,
        "num_classes": dataset.num_outputs,
        "hidden": params.hidden,
        "batch_size": params.batch_size,
        "num_epochs": params.num_epochs,
        "learning_rates": params.learning_rates,
        "num_tuning_seeds": len(params.tuning_seeds),
        "handicap": params.handicap,
        "diverged": diverged,
    }


def divided(dataset: Dataset, seed: int) -> Dataset:
    """The images that are not the test split, divided into training and validation split as the seed has it."""
    return dataset.redivided(generator(seed, "split"))


def sgd_params(params: LossesParams, cell: Cell, lr: float) -> SgdParams:
    perceptron = cell.network == "mlp"
    return SgdParams(
        method="sgd",
        data="images",
        hidden=params.hidden if perceptron else (),
        activation=params.activation if perceptron else None,
        init=params.init if perceptron else "zeros",
        lr=lr,
        batch_size=params.batch_size,
        num_epochs=params.num_epochs,
        loss=cast(LossName, cell.loss),
    )


# --- Tuning ---


def tune_cells(dataset: Dataset, params: LossesParams) -> dict[Trial[Cell], Score]:
    """Every trial of every cell; the test split is not looked at."""
    divisions = {seed: divided(dataset, seed) for seed in params.tuning_seeds}
    score_all = partial(map_runs, score_trial, label="losses: learning rates", shared=(divisions, params))
    return tune(CELLS, params.learning_rates, params.tuning_seeds, score_all)


def score_trial(divisions: Mapping[int, Dataset], params: LossesParams, trial: Trial[Cell]) -> Score:
    """Validation accuracy after the last epoch."""
    try:
        run = train_run(divisions[trial.seed], sgd_params(params, trial.cell, trial.lr), trial.seed)
    except DivergedError:
        return Score(0.0, diverged=True)
    return Score(run.history[-1].validation.accuracy)


# --- The seeds of the study ---


class Outputs(NamedTuple):
    """Of one trained model, (images, classes)."""

    validation: Tensor
    test: Tensor


@dataclass(frozen=True)
class SeedResult:
    rows: tuple[dict[str, Any], ...]  # of the table per_seed
    controls: tuple[dict[str, Any], ...]
    diverged: tuple[str, ...]  # "mlp, squared_error, seed 3"


def run_seed(dataset: Dataset, params: LossesParams, rates: Mapping[Cell, float], seed: int) -> SeedResult:
    """Every variant with one seed, all on the same division; a variant that diverges has no row, but is named."""
    division = divided(dataset, seed)
    outputs, diverged = {}, []
    for cell in (*CELLS, AGAIN, CLOSED_FORM):
        try:
            outputs[cell] = outputs_of_cell(division, params, rates, cell, seed)
        except DivergedError:
            diverged.append(f"{cell.network}, {cell.loss}, seed {seed}")
    rows = tuple(
        {**cell._asdict(), "seed": seed} | scores_of(division, found) for cell, found in sorted(outputs.items())
    )
    return SeedResult(rows, control_rows(division, params, outputs, seed), tuple(diverged))


def outputs_of_cell(
    division: Dataset, params: LossesParams, rates: Mapping[Cell, float], cell: Cell, seed: int
) -> Outputs:
    if cell == CLOSED_FORM:
        others = division.validation, division.test
        return Outputs(*least_squares_outputs(division.train, others, division.num_outputs))
    if cell == AGAIN:
        return trained_outputs(division, sgd_params(params, REFERENCE, rates[REFERENCE]), seed + OTHER_WEIGHTS)
    return trained_outputs(division, sgd_params(params, cell, rates[cell]), seed)


def trained_outputs(division: Dataset, sgd: SgdParams, seed: int) -> Outputs:
    """Of a network trained with the seed; DivergedError if that fails."""
    run = train_run(division, sgd, seed)
    network, _ = start_run(division, sgd, seed)
    network.load_state_dict(run.parameters)
    splits = division.standardised(division.validation), division.standardised(division.test)
    return Outputs(*(outputs_of(network, split.features) for split in splits))


def right(division: Dataset, outputs: Outputs) -> Tensor:
    """Which test images are classified right; (images,) of bool."""
    return outputs.test.argmax(1) == division.test.targets


def share(which: Tensor) -> float:
    return int(which.sum()) / len(which)


def scores_of(division: Dataset, outputs: Outputs) -> dict[str, float]:
    """Accuracy, negative log-likelihood and calibration error on test, as they are and at a temperature.

    The outputs are taken for logits whatever the loss; the temperature is fitted on the validation split.
    """
    classes = division.test.targets
    temperature = fit_temperature(outputs.validation, division.validation.targets)
    scaled = outputs.test.double() / temperature
    return {
        "test_accuracy": share(right(division, outputs)),
        "nll": nll(outputs.test, classes),
        "ece": ece(outputs.test, classes),
        "temperature": temperature,
        "nll_scaled": nll(scaled, classes),
        "ece_scaled": ece(scaled, classes),
    }


# --- Negative controls ---


def control_rows(
    division: Dataset, params: LossesParams, outputs: Mapping[Cell, Outputs], seed: int
) -> tuple[dict[str, Any], ...]:
    """Test accuracy of the reference, of the same trained again, and of that with a planted handicap."""
    of_right = {cell.loss: right(division, outputs[cell]) for cell in (REFERENCE, AGAIN) if cell in outputs}
    if AGAIN in outputs:
        of_right["handicapped"] = handicapped(of_right["again"], params.handicap, generator(seed, "handicap"))
    return tuple(
        {"variant": variant, "seed": seed, "test_accuracy": share(which)} for variant, which in of_right.items()
    )


def handicapped(which: Tensor, handicap: float, stream: torch.Generator) -> Tensor:
    """Which images are right, (images,), once a share of all, drawn among the right ones, has been made wrong."""
    rows = which.nonzero().squeeze(1)
    num_spoilt = round(handicap * len(which))
    if num_spoilt > len(rows):
        raise StudyError(
            f"experiments.losses.handicap: expected at most the share that is classified right, {share(which)}, "
            f"found {handicap}"
        )
    spoilt = rows[torch.randperm(len(rows), generator=stream)[:num_spoilt]]
    return which.index_fill(0, spoilt, False)
