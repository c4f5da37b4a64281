"""SOFT-3: can the error of raw outputs be measured, or does it take softmax and cross-entropy? By training budget."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.measures.samples import POINTS, Cell, Trainings
from dlstudy.study.results import Results

SCORES: Final = ("test_accuracy", "nll", "ece", "temperature", "nll_scaled", "ece_scaled")
NETWORKS: Final = {"linear": "linear, ", "mlp": "MLP, "}
CLOSED_FORM: Final = "closed_form"  # has no training budget, and nothing that is tuned


def faults_of(trainings: Trainings, cells: Collection[Cell]) -> list[str]:
    """Learning rates at an end of those tried, and trainings that diverged."""
    edges = trainings.edges(cell for cell in cells if cell.variant != CLOSED_FORM)
    runs = [(Cell(run["network"], run["loss"], run["budget"]), run["seed"]) for run in trainings.facts["diverged"]]
    lost = [f"{cell}, seed {seed}: diverged" for cell, seed in runs if cell in cells]
    return edges + lost


def side(trainings: Trainings, cell: Cell) -> dict[str, Any]:
    """What the page shows of a network trained with a loss: means over the seeds, and how it was tuned."""
    found = trainings.by_seed(cell)
    facts: dict[str, Any] = {name: found[name].mean() for name in SCORES}
    facts |= {"lowest": found["test_accuracy"].min(), "highest": found["test_accuracy"].max()}
    if cell.variant != CLOSED_FORM:
        (lr,) = trainings.rows("chosen", cell)["lr"]
        trials = trainings.rows("tuning", cell)
        unstable = trials.loc[trials["diverged"].astype(bool), "lr"]
        facts |= {"lr": lr, "num_rates": trials["lr"].nunique()}
        facts |= {"diverging_lr": unstable.min()} if len(unstable) else {}
    return facts


def difference(
    results: Results, network: str, first: str, second: str, column: str = "test_accuracy", scale: float = POINTS
) -> Evidence:
    """By budget and seed, of a network trained with two losses: scale * (first - second).

    A run that diverged is a fault. Beside differences in accuracy of the MLP stands its A/A control.
    """
    trainings = Trainings(results, "losses", column="loss")

    def cell(loss: str, budget: float) -> Cell:
        return Cell(network, loss, 0.0 if loss == CLOSED_FORM else budget)

    def paired(first: str, second: str) -> dict[float, list[float]]:
        budgets = trainings.budgets
        return {each: trainings.paired(cell(first, each), cell(second, each), column, scale) for each in budgets}

    by_budget = [
        {"budget": budget, **{loss: side(trainings, cell(loss, budget)) for loss in (first, second)}}
        for budget in trainings.budgets
    ]
    cells = dict.fromkeys(cell(loss, budget) for budget in trainings.budgets for loss in (first, second))
    seeds = [set(trainings.by_seed(each).index) for each in cells]
    alone = ", ".join(map(str, sorted(set.union(*seeds) - set.intersection(*seeds))))
    faults = faults_of(trainings, cells) or [f"seeds without a partner: {alone}"] * bool(alone)
    facts = {"by_budget": by_budget, "protocol": trainings.facts}
    found = trainings.evidence(paired(first, second), facts, faults, NETWORKS[network])
    if network == "mlp" and column == "test_accuracy":
        again = paired("cross_entropy", "again").values()
        found = replace(found, again=per_seed(dict(zip(found.samples, again, strict=True))))
    return found


def above_guessing(results: Results, network: str, loss: str) -> Evidence:
    """By budget and seed, accuracy points above guessing all classes alike."""
    trainings, guessing = Trainings(results, "losses", column="loss"), 1 / len(results.facts("images")["class_names"])
    cells = {budget: Cell(network, loss, budget) for budget in trainings.budgets}
    accuracies = {budget: trainings.by_seed(cell)["test_accuracy"] for budget, cell in cells.items()}
    found = {budget: (POINTS * (each - guessing)).tolist() for budget, each in accuracies.items()}
    return trainings.evidence(found, {"guessing": guessing}, faults_of(trainings, cells.values()), NETWORKS[network])
