"""What measures and pages share: tables as plain records, and the cells of experiments that train networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.statistics import paired_differences
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results

POINTS: Final = 100.0  # accuracy points in an accuracy of 1, percent in a share


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


class Cell(NamedTuple):
    network: str
    variant: str  # of the network, or the loss that it is trained with
    budget: float  # epochs; 0 of a closed form

    def __str__(self) -> str:
        return f"{self.network}, {self.variant}, {in_epochs(self.budget)}"


@dataclass(frozen=True)
class Trainings:
    """The trainings of an experiment, with every seed and budget; `column` is that of the variants in its tables."""

    results: Results
    experiment: str
    column: str = "variant"

    @property
    def facts(self) -> dict[str, Any]:
        return self.results.experiment_facts(self.experiment)

    @property
    def budgets(self) -> list[float]:
        """Of the experiment, in ascending order."""
        return [float(budget) for budget in self.facts["budgets"]]

    def rows(self, table: str, cell: Cell) -> pd.DataFrame:
        """The rows of a cell; MissingResultError where there is none."""
        found = self.results.experiment(self.experiment, table)
        which = (found["network"] == cell.network) & (found[self.column] == cell.variant)
        found = found[which & (found["budget"] == cell.budget)]
        if found.empty:
            raise MissingResultError(f"{self._file(table)}: expected rows of {cell}, found none; {self._remedy}")
        return found

    def by_seed(self, cell: Cell) -> pd.DataFrame:
        """The scores of the networks that did not diverge, indexed by seed."""
        rows = self.rows("per_seed", cell).set_index("seed")
        return rows[~rows["diverged"].astype(bool)] if "diverged" in rows else rows

    def paired(self, first: Cell, second: Cell, column: str = "test_accuracy", scale: float = POINTS) -> list[float]:
        """By seed, of those with which neither diverged: scale * (first - second), in accuracy points unless said."""
        tables = self.by_seed(first), self.by_seed(second)
        seeds = tables[0].index.intersection(tables[1].index)
        if not len(seeds):
            expected = f"expected a seed with which {first} and {second} do not diverge, found none"
            raise MissingResultError(f"{self._file('per_seed')}: {expected}; {self._remedy}")
        found: list[float] = paired_differences(*(table.loc[seeds, column] for table in tables)).tolist()
        return [scale * value for value in found]

    def edges(self, cells: Sequence[Cell]) -> tuple[str, ...]:
        """Learning rates at an end of those tried."""
        return tuple(
            f"{cell}: its best learning rate, {row.lr:g}, lies at an end of those tried"
            for cell in cells
            for row in self.rows("chosen", cell).itertuples()
            if row.at_edge
        )

    @property
    def _remedy(self) -> str:
        return f"if all diverged, add smaller rates to experiments.{self.experiment}.learning_rates in params.yaml"

    def _file(self, table: str) -> str:
        return f"results/experiments/{self.experiment}/{table}.csv"
