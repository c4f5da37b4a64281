"""The ladder's tables, as figures, pages and verdicts read them: cells, paired differences, which networks train."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.experiments.ladder.params import Arm
from dlstudy.study.results import MissingResultError, Results

RELU: Final = "relu"
AGAIN: Final = "again"  # the arm that trains ReLU a second time: an A/A control
LINEAR: Final = "linear"  # the arm without hidden layers: softmax regression
POINTS: Final = 100


class Cell(NamedTuple):
    depth: int
    budget: float  # epochs

    def __str__(self) -> str:
        layers = "1 hidden layer" if self.depth == 1 else f"{self.depth} hidden layers"
        return f"{layers}, {in_epochs(self.budget)}"


def in_epochs(budget: float) -> str:
    """A training budget in words: the name of the group of what was trained so long."""
    return f"{budget:g} {'epoch' if budget == 1 else 'epochs'}"


@dataclass(frozen=True)
class Ladder:
    """What was trained: the tables of all activations have a column `activation`; arms are apart, by their names."""

    results: Results

    @classmethod
    def of(cls, results: Results) -> "Ladder":
        """The one ladder of these results: all that look into its tables share what was looked up."""
        return results.once(cls, lambda: cls(results))

    @property
    def activations(self) -> tuple[str, ...]:
        return self.results.study.ladder.activations

    @property
    def trainable(self) -> float:
        """Validation accuracy from which on a network counts as trained."""
        return self.results.study.ladder.thresholds.trainable

    @cached_property
    def cells(self) -> list[Cell]:
        """Every depth and budget, shallow and short ones first."""
        protocol = self.results.study.ladder.protocol
        return [Cell(depth, budget) for depth in protocol.depths for budget in protocol.budgets_of(depth)]

    @property
    def shortest(self) -> float:
        return min(cell.budget for cell in self.cells)

    def table(self, name: str) -> pd.DataFrame:
        """A table of all activations: tuning, chosen or per_seed."""
        return pd.concat([self.results.ladder(activation, name) for activation in self.activations])

    def scores(self, activation: str, cell: Cell, column: str = "test_accuracy") -> "pd.Series[float]":
        """One per seed; MissingResultError where the activation was not trained in the cell."""
        return _found(self._by_seed, activation, cell)[column]

    def choice(self, activation: str, cell: Cell) -> "pd.Series[Any]":
        """What was chosen by tuning: init, lr, at_edge, trains and more."""
        found: pd.Series[Any] = _found(self._choices, activation, cell).iloc[0]
        return found

    @cached_property
    def _by_seed(self) -> "Rows":
        return _by_cell(self.table("per_seed").set_index("seed"))

    @cached_property
    def _choices(self) -> "Rows":
        return _by_cell(self.table("chosen"))

    def _whole(self, name: str) -> "Rows":
        """By seed, the scores of one activation or arm of the whole ladder."""
        whole = self.results.whole
        return whole.once((Ladder, name), lambda: _by_cell(whole.ladder(name, "per_seed").set_index("seed")))

    def points(self, first: str, second: str, cell: Cell) -> "pd.Series[float]":
        """Test accuracy of the first less that of the second (`LINEAR`: softmax regression), in points, by seed."""
        rival = self.linear(cell.budget) if second == LINEAR else self.scores(second, cell)
        return POINTS * (self.scores(first, cell) - rival)

    def control(self, cell: Cell) -> "pd.Series[float]":
        """ReLU less ReLU as its own rival, in points, by seed; the ladder's own in an arm, which has none."""
        relu, again = (_found(self._whole(name), RELU, cell)["test_accuracy"] for name in (RELU, AGAIN))
        return POINTS * (relu - again)

    def linear(self, budget: float, column: str = "test_accuracy") -> "pd.Series[float]":
        return _found(self._whole(LINEAR), "identity", Cell(0, budget))[column]

    def trains(self, activation: str, cell: Cell) -> bool:
        """Whether its validation accuracy reaches the threshold, on average over the seeds."""
        return bool(self.scores(activation, cell, "validation_accuracy").mean() >= self.trainable)

    def num_trained(self, activation: str, cell: Cell) -> int:
        return int((self.scores(activation, cell, "validation_accuracy") >= self.trainable).sum())

    @cached_property
    def living(self) -> list[Cell]:
        """The cells in which at least one activation trains; the others count in no share, average or policy."""
        return [cell for cell in self.cells if any(self.trains(name, cell) for name in self.activations)]

    def best(self, cell: Cell, among: Sequence[str]) -> str:
        """The activation with the highest mean validation accuracy; of equal ones the first."""
        return max(among, key=lambda name: self.scores(name, cell, "validation_accuracy").mean())

    def regrets(self) -> pd.DataFrame:
        """Points that a policy loses on test to trying all and taking the best on validation; a row per seed and cell.

        Columns: depth, budget, seed, "always X" for each activation and "relu first": ReLU, or the best of the others
        where ReLU's validation accuracy does not reach that of softmax regression.
        """

        def losses(cell: Cell) -> pd.DataFrame:
            test = pd.DataFrame({name: self.scores(name, cell) for name in self.activations})
            taken = {f"always {name}": name for name in self.activations} | {"relu first": self.relu_first(cell)}
            best = test[self.best(cell, self.activations)]
            table = pd.DataFrame({policy: POINTS * (best - test[name]) for policy, name in taken.items()})
            return table.rename_axis("seed").reset_index().assign(depth=cell.depth, budget=cell.budget)

        together = (Ladder, "regrets")
        return self.results.once(together, lambda: pd.concat(map(losses, self.living), ignore_index=True))

    def relu_first(self, cell: Cell) -> str:
        """What the note's policy takes: ReLU, and others only where it does not do."""
        relu = self.scores(RELU, cell, "validation_accuracy")
        linear = self.linear(cell.budget, "validation_accuracy")
        return RELU if relu.mean() >= linear.mean() else self.best(cell, self.activations)


@dataclass(frozen=True)
class ArmResults(Results):
    """The results with an arm in the ladder's place; without `source`, with the ladder cut down to the arm's cells."""

    source: str = ""
    of_whole: Results | None = None

    @property
    def whole(self) -> Results:
        return self if self.of_whole is None else self.of_whole

    @classmethod
    def of(cls, results: Results, arm: Arm, source: str = "") -> "ArmResults":
        whole = results.study.ladder
        changes = {"activations": arm.activations, "protocol": arm.protocol(whole.protocol)}
        study = results.study.model_copy(update={"ladder": whole.model_copy(update=changes)})
        return cls(results.root, study, source, results)

    def ladder(self, name: str, table: str) -> pd.DataFrame:
        if name in self.study.ladder.arms:  # softmax regression and the A/A control
            return super().ladder(name, table)
        found, protocol = super().ladder(self.source or name, table), self.study.ladder.protocol
        in_cells = found["depth"].isin(protocol.depths) & found["budget"].isin(protocol.budgets)
        return found[in_cells & (found["activation"] == name)]


# The rows of a table by activation, depth and budget: they are looked up thousands of times.
Rows = dict[tuple[str, int, float], pd.DataFrame]


def _by_cell(table: pd.DataFrame) -> Rows:
    groups: Any = table.groupby(["activation", "depth", "budget"])
    return dict(iter(groups))


def _found(rows: Rows, activation: str, cell: Cell) -> pd.DataFrame:
    if (found := rows.get((activation, *cell))) is None:
        raise MissingResultError(f"results/ladder: expected rows of {activation} with {cell}, found none")
    return found
