"""What the measures on activations of outputs read of their experiment."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "activation_outputs"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
POINTS: Final = 100.0  # accuracy points in an accuracy of 1, percent in a share

MIXTURES: Final = ("sigmoid_first", "sigmoid_last", "alternating")


class Cell(NamedTuple):
    network: str
    variant: str
    budget: float

    def __str__(self) -> str:
        return f"{self.network}, {self.variant}, {in_epochs(self.budget)}"


def budgets_of(results: Results) -> list[float]:
    """Of the experiment, in ascending order."""
    return [float(budget) for budget in protocol(results)["budgets"]]


def rows_of(results: Results, table: str, cell: Cell) -> pd.DataFrame:
    """The rows of a cell; MissingResultError where there is none."""
    found = results.experiment(EXPERIMENT, table)
    which = (found["network"] == cell.network) & (found["variant"] == cell.variant) & (found["budget"] == cell.budget)
    if found[which].empty:
        raise MissingResultError(f"{FOLDER}/{table}.csv: expected rows of {cell}, found none")
    return found[which]


def by_seed(results: Results, cell: Cell) -> pd.DataFrame:
    """The scores of the networks that did not diverge, indexed by seed."""
    rows = rows_of(results, "per_seed", cell)
    return rows[~rows["diverged"].astype(bool)].set_index("seed")


def edges_of(results: Results, cells: Sequence[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried."""
    return tuple(
        f"{cell}: its best learning rate, {row.lr:g}, lies at an end of those tried"
        for cell in cells
        for row in rows_of(results, "chosen", cell).itertuples()
        if row.at_edge
    )


def diverged_of(results: Results, cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(
        f"{cell}, seed {row.seed}: diverged"
        for cell in cells
        for row in rows_of(results, "per_seed", cell).itertuples()
        if row.diverged
    )


def side(results: Results, cell: Cell, column: str = "test_accuracy") -> dict[str, Any]:
    """What the page shows of a cell: accuracy over the seeds that did not diverge, and how it was tuned."""
    accuracies = by_seed(results, cell)[column]
    (chosen,) = rows_of(results, "chosen", cell).to_dict("records")
    spread = {"mean": accuracies.mean(), "low": accuracies.min(), "high": accuracies.max()} if len(accuracies) else {}
    return {
        **cell._asdict(),
        "lr": chosen["lr"],
        "at_edge": bool(chosen["at_edge"]),
        "tuned": chosen["validation_accuracy"],
        "num_seeds": len(accuracies),
        **spread,
    }


def difference(results: Results, pairs: Mapping[float, tuple[Cell, Cell]]) -> Evidence:
    """By budget and seed: test accuracy, first less second, in points. A run that diverged is left out, and a fault."""
    cells = [cell for pair in pairs.values() for cell in pair]
    samples = per_seed({in_epochs(budget): points(results, *pair) for budget, pair in pairs.items()})
    return Evidence(
        samples,
        num_seeds=min(len(points(results, *pair)) for pair in pairs.values()),
        facts={"rows": [side(results, cell) for cell in cells], "protocol": protocol(results)},
        faults=(*edges_of(results, cells), *diverged_of(results, cells)),
        groups={name: name for name in samples},
    )


def points(results: Results, first: Cell, second: Cell) -> list[float]:
    """The differences of the seeds with which neither diverged, in accuracy points."""
    tables = by_seed(results, first), by_seed(results, second)
    seeds = tables[0].index.intersection(tables[1].index)
    if not len(seeds):
        raise MissingResultError(
            f"{FOLDER}/per_seed.csv: expected a seed with which {first} and {second} do not diverge"
        )
    found: list[float] = paired_differences(*(table.loc[seeds, "test_accuracy"] for table in tables)).tolist()
    return [POINTS * value for value in found]


def protocol(results: Results) -> dict[str, Any]:
    return results.experiment_facts(EXPERIMENT)
