"""SOFT-3: whether the error of raw outputs can be measured, or whether it takes softmax and cross-entropy.

Each training budget is judged apart.
"""

from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results

POINTS: Final = 100.0  # accuracy points in an accuracy of 1
SCORES: Final = ("test_accuracy", "nll", "ece", "temperature", "nll_scaled", "ece_scaled")
NETWORKS: Final = {"linear": "linear", "mlp": "MLP"}
CLOSED_FORM: Final = "closed_form"


# --- Evidence ---


class Cell(NamedTuple):
    network: str
    loss: str
    budget: float  # epochs; 0 of a closed form

    @classmethod
    def of(cls, network: str, loss: str, budget: float) -> "Cell":
        return cls(network, loss, 0.0 if loss == CLOSED_FORM else budget)

    def __str__(self) -> str:
        return f"{self.network}, {self.loss}, {in_epochs(self.budget)}"


def budgets_of(results: Results) -> list[float]:
    """Of the experiment, in ascending order."""
    return [float(budget) for budget in results.experiment_facts("losses")["budgets"]]


def rows_of(results: Results, table: str, cell: Cell) -> pd.DataFrame:
    found = results.experiment("losses", table)
    which = (found["network"] == cell.network) & (found["loss"] == cell.loss) & (found["budget"] == cell.budget)
    return found[which]


def by_seed(results: Results, cell: Cell) -> pd.DataFrame:
    """The scores of a network trained with a loss, indexed by seed."""
    found = rows_of(results, "per_seed", cell).set_index("seed")
    if found.empty:
        raise MissingResultError(f"losses/per_seed.csv: expected rows of {cell}, found none")
    return found


def faults_of(results: Results, cells: list[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried, and trainings that diverged."""
    at_edge = [
        f"{cell}: its best learning rate, {row.lr:g}, lies at an end of those tried"
        for cell in cells
        for row in rows_of(results, "chosen", cell).itertuples()
        if row.at_edge
    ]
    runs = results.experiment_facts("losses")["diverged"]
    lost = [(Cell(run["network"], run["loss"], run["budget"]), run["seed"]) for run in runs]
    return (*at_edge, *(f"{cell}, seed {seed}: diverged" for cell, seed in lost if cell in cells))


def side(results: Results, cell: Cell) -> dict[str, Any]:
    """What the page shows of a network trained with a loss: means over the seeds, and how it was tuned."""
    found = by_seed(results, cell)
    means = {name: float(found[name].mean()) for name in SCORES}
    accuracies = found["test_accuracy"]
    facts = means | {"lowest": float(accuracies.min()), "highest": float(accuracies.max())}
    for lr in rows_of(results, "chosen", cell)["lr"].tolist():  # none of a closed form
        trials = rows_of(results, "tuning", cell)
        unstable = trials.loc[trials["diverged"].astype(bool), "lr"]
        facts |= {"lr": lr, "num_rates": int(trials["lr"].nunique())}
        facts |= {"diverging_lr": float(unstable.min())} if len(unstable) else {}
    return facts


def difference(
    results: Results, network: str, first: str, second: str, column: str = "test_accuracy", scale: float = POINTS
) -> Evidence:
    """By budget and seed, of a network trained with two losses: scale * (first - second).

    A run that diverged is a fault. Beside differences in accuracy of the MLP stands its A/A control.
    """
    budgets = budgets_of(results)
    found = {budget: paired(results, network, (first, second), budget, column, scale) for budget in budgets}
    cells = [Cell.of(network, loss, budget) for budget in budgets for loss in (first, second)]
    again = {
        name_of(network, budget): paired(results, network, ("cross_entropy", "again"), budget, column, scale)
        for budget in budgets
        if network == "mlp" and column == "test_accuracy"
    }
    return Evidence(
        samples=per_seed({name_of(network, budget): values for budget, values in found.items()}),
        num_seeds=min(map(len, found.values())),
        facts={
            "by_budget": [
                {"budget": budget, **{loss: side(results, Cell.of(network, loss, budget)) for loss in (first, second)}}
                for budget in budgets
            ],
            "protocol": results.experiment_facts("losses"),
        },
        faults=faults_of(results, list(dict.fromkeys(cells))) or unpaired(results, cells),
        again=per_seed(again),
        groups={name_of(network, budget): in_epochs(budget) for budget in budgets},
    )


def name_of(network: str, budget: float) -> str:
    return f"{NETWORKS[network]}, {in_epochs(budget)}"


def paired(
    results: Results, network: str, losses: tuple[str, str], budget: float, column: str, scale: float
) -> list[float]:
    """Differences, first less second, times the scale; of the seeds that both have."""
    tables = [by_seed(results, Cell.of(network, loss, budget)) for loss in losses]
    seeds = tables[0].index.intersection(tables[1].index)
    found: list[float] = paired_differences(*(table.loc[seeds, column] for table in tables)).tolist()
    return [scale * value for value in found]


def unpaired(results: Results, cells: list[Cell]) -> tuple[str, ...]:
    """Seeds that some of the cells lack, as a fault."""
    seeds = [set(by_seed(results, cell).index) for cell in cells]
    alone = sorted(set.union(*seeds) - set.intersection(*seeds))
    return (f"seeds without a partner: {', '.join(map(str, alone))}",) if alone else ()


def above_guessing(results: Results, network: str, loss: str) -> Evidence:
    """By budget and seed, accuracy points above guessing all classes alike."""
    guessing = 1 / len(results.facts("images")["class_names"])
    cells = [Cell(network, loss, budget) for budget in budgets_of(results)]
    found = {
        name_of(network, cell.budget): (POINTS * (by_seed(results, cell)["test_accuracy"] - guessing)).tolist()
        for cell in cells
    }
    return Evidence(
        per_seed(found),
        min(map(len, found.values())),
        {"guessing": guessing},
        faults_of(results, cells),
        groups={name_of(network, cell.budget): in_epochs(cell.budget) for cell in cells},
    )
