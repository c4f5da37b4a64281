"""SOFT-3: whether the error of raw outputs can be measured, or whether it takes softmax and cross-entropy.

Each training budget is judged apart.
"""

from collections.abc import Sequence
from typing import Any, Final

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.measures.samples import POINTS, Cell, Trainings
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import Results

SCORES: Final = ("test_accuracy", "nll", "ece", "temperature", "nll_scaled", "ece_scaled")
NETWORKS: Final = {"linear": "linear", "mlp": "MLP"}
CLOSED_FORM: Final = "closed_form"  # has no training budget, and nothing that is tuned


def cell_of(network: str, loss: str, budget: float) -> Cell:
    return Cell(network, loss, 0.0 if loss == CLOSED_FORM else budget)


def faults_of(trainings: Trainings, cells: Sequence[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried, and trainings that diverged."""
    runs = [(Cell(run["network"], run["loss"], run["budget"]), run["seed"]) for run in trainings.facts["diverged"]]
    lost = [f"{cell}, seed {seed}: diverged" for cell, seed in runs if cell in cells]
    return (*trainings.edges([cell for cell in cells if cell.variant != CLOSED_FORM]), *lost)


def side(trainings: Trainings, cell: Cell) -> dict[str, Any]:
    """What the page shows of a network trained with a loss: means over the seeds, and how it was tuned."""
    found = trainings.by_seed(cell)
    accuracies = found["test_accuracy"]
    facts: dict[str, Any] = {name: float(found[name].mean()) for name in SCORES}
    facts |= {"lowest": float(accuracies.min()), "highest": float(accuracies.max())}
    if cell.variant != CLOSED_FORM:
        (lr,) = trainings.rows("chosen", cell)["lr"].tolist()
        trials = trainings.rows("tuning", cell)
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
    trainings = Trainings(results, "losses", column="loss")
    names = {budget: f"{NETWORKS[network]}, {in_epochs(budget)}" for budget in trainings.budgets}
    pairs = {budget: (cell_of(network, first, budget), cell_of(network, second, budget)) for budget in names}
    repeats = {budget: (Cell(network, "cross_entropy", budget), Cell(network, "again", budget)) for budget in names}
    controlled = repeats if network == "mlp" and column == "test_accuracy" else {}
    found = {names[budget]: trainings.paired(*pair, column, scale) for budget, pair in pairs.items()}
    cells = list(dict.fromkeys(cell for pair in pairs.values() for cell in pair))
    by_budget = [{"budget": each, **{cell.variant: side(trainings, cell) for cell in pairs[each]}} for each in pairs]
    return Evidence(
        samples=per_seed(found),
        num_seeds=min(map(len, found.values())),
        facts={"by_budget": by_budget, "protocol": trainings.facts},
        faults=faults_of(trainings, cells) or unpaired(trainings, cells),
        again=per_seed({names[budget]: trainings.paired(*pair, column, scale) for budget, pair in controlled.items()}),
        groups={name: in_epochs(budget) for budget, name in names.items()},
    )


def unpaired(trainings: Trainings, cells: Sequence[Cell]) -> tuple[str, ...]:
    """Seeds that some of the cells lack, as a fault."""
    seeds = [set(trainings.by_seed(cell).index) for cell in cells]
    alone = sorted(set.union(*seeds) - set.intersection(*seeds))
    return (f"seeds without a partner: {', '.join(map(str, alone))}",) if alone else ()


def above_guessing(results: Results, network: str, loss: str) -> Evidence:
    """By budget and seed, accuracy points above guessing all classes alike."""
    guessing, trainings = 1 / len(results.facts("images")["class_names"]), Trainings(results, "losses", column="loss")
    cells = {f"{NETWORKS[network]}, {in_epochs(budget)}": Cell(network, loss, budget) for budget in trainings.budgets}
    found = {
        name: (POINTS * (trainings.by_seed(cell)["test_accuracy"] - guessing)).tolist() for name, cell in cells.items()
    }
    return Evidence(
        per_seed(found),
        min(map(len, found.values())),
        {"guessing": guessing},
        faults_of(trainings, list(cells.values())),
        groups={name: in_epochs(cell.budget) for name, cell in cells.items()},
    )
