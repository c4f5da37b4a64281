"""SOFT-3: whether the error of raw outputs can be measured, or whether it takes softmax and cross-entropy."""

from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.results import MissingResultError, Results

POINTS: Final = 100.0  # accuracy points in an accuracy of 1
SCORES: Final = ("test_accuracy", "nll", "ece", "temperature", "nll_scaled", "ece_scaled")


# --- Evidence ---


class Cell(NamedTuple):
    network: str
    loss: str


def rows_of(table: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    return table[(table["network"] == cell.network) & (table["loss"] == cell.loss)]


def by_seed(results: Results, cell: Cell) -> pd.DataFrame:
    """The scores of a network trained with a loss, indexed by seed."""
    found = rows_of(results.experiment("losses", "per_seed"), cell).set_index("seed")
    if found.empty:
        raise MissingResultError(f"losses/per_seed.csv: expected rows of {cell.network}, {cell.loss}, found none")
    return found


def faults_of(results: Results, cells: tuple[Cell, ...]) -> tuple[str, ...]:
    """Learning rates at an end of those tried, and trainings that diverged."""
    names = [f"{cell.network}, {cell.loss}" for cell in cells]
    chosen = results.experiment("losses", "chosen")
    at_edge = [
        f"{name}: its best learning rate, {row.lr:g}, lies at an end of those tried"
        for name, cell in zip(names, cells, strict=True)
        for row in rows_of(chosen, cell).itertuples()
        if row.at_edge
    ]
    diverged = results.experiment_facts("losses")["diverged"]
    return (*at_edge, *(f"{run}: diverged" for run in diverged if run.rpartition(",")[0] in names))


def side(results: Results, cell: Cell) -> dict[str, Any]:
    """What the page shows of a network trained with a loss: means over the seeds, and how it was tuned."""
    found = by_seed(results, cell)
    means = {name: float(found[name].mean()) for name in SCORES}
    accuracies = found["test_accuracy"]
    facts = means | {"lowest": float(accuracies.min()), "highest": float(accuracies.max())}
    for lr in rows_of(results.experiment("losses", "chosen"), cell)["lr"].tolist():  # none of a closed form
        trials = rows_of(results.experiment("losses", "tuning"), cell)
        unstable = trials.loc[trials["diverged"].astype(bool), "lr"]
        facts |= {"lr": lr, "num_rates": int(trials["lr"].nunique())}
        facts |= {"diverging_lr": float(unstable.min())} if len(unstable) else {}
    return facts


def difference(
    results: Results, network: str, first: str, second: str, column: str = "test_accuracy", scale: float = POINTS
) -> Evidence:
    """By seed, of a network trained with two losses: scale * (first - second). A run that diverged is a fault."""
    cells = Cell(network, first), Cell(network, second)
    tables = by_seed(results, cells[0]), by_seed(results, cells[1])
    seeds = tables[0].index.intersection(tables[1].index)
    differences = scale * paired_differences(*(table.loc[seeds, column] for table in tables))
    sides = {cell.loss: side(results, cell) for cell in cells}
    return Evidence(
        samples={"": PerSeed(differences.tolist())},
        num_seeds=len(differences),
        facts={"sides": sides, "protocol": results.experiment_facts("losses")},
        faults=faults_of(results, cells) or unpaired(*tables),
    )


def unpaired(first: pd.DataFrame, second: pd.DataFrame) -> tuple[str, ...]:
    """Seeds that only one of the two has, as a fault."""
    alone = sorted(set(first.index) ^ set(second.index))
    return (f"seeds without a partner: {', '.join(map(str, alone))}",) if alone else ()


def above_guessing(results: Results, network: str, loss: str) -> Evidence:
    """By seed, accuracy points above guessing all classes alike."""
    cell = Cell(network, loss)
    guessing = 1 / len(results.facts("images")["class_names"])
    points = POINTS * (by_seed(results, cell)["test_accuracy"] - guessing)
    return Evidence({"": PerSeed(points.tolist())}, len(points), {"guessing": guessing}, faults_of(results, (cell,)))
