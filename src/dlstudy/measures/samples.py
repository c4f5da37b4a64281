"""What measures and pages share: tables as plain records, and the cells of experiments that train networks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results

POINTS: Final = 100.0  # accuracy points in an accuracy of 1, percent in a share


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A mapping for each row."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def edges_of(names: Iterable[object], chosen: pd.DataFrame) -> list[str]:
    """The faults of learning rates that lie at an end of those tried; the names: whose rate each row has."""
    rows = zip(names, chosen["lr"], chosen["at_edge"], strict=True)
    return [f"{name}: its best learning rate, {lr:g}, lies at an end of those tried" for name, lr, edge in rows if edge]


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
        found = found[(found[["network", self.column, "budget"]] == list(cell)).all(axis=1)]
        if found.empty:
            raise self._missing(table, f"rows of {cell}")
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
            raise self._missing("per_seed", f"a seed with which {first} and {second} do not diverge")
        found = paired_differences(*(table.loc[seeds, column] for table in tables))
        return [scale * value for value in found.tolist()]

    def edges(self, cells: Iterable[Cell]) -> list[str]:
        """Learning rates at an end of those tried."""
        return [edge for cell in cells for edge in edges_of([cell], self.rows("chosen", cell))]

    def evidence(
        self, values: Mapping[float, Sequence[float]], facts: dict[str, Any], faults: Iterable[str], network: str = ""
    ) -> Evidence:
        """Of values by budget and seed, each budget judged apart; in the conditions' names the network comes first."""
        names = {budget: f"{network}{in_epochs(budget)}" for budget in values}
        return Evidence(
            per_seed({names[budget]: found for budget, found in values.items()}),
            num_seeds=min(map(len, values.values())),
            facts=facts,
            faults=tuple(faults),
            groups={name: in_epochs(budget) for budget, name in names.items()},
        )

    def _missing(self, table: str, expected: str) -> MissingResultError:
        remedy = f"if all diverged, add smaller rates to experiments.{self.experiment}.learning_rates in params.yaml"
        return MissingResultError(
            f"results/experiments/{self.experiment}/{table}.csv: expected {expected}, found none; {remedy}"
        )
