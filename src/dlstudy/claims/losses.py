"""SOFT-3: whether the error of raw outputs can be measured, or whether it takes softmax and cross-entropy."""

from functools import partial
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.core import Claim, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import Different, Signed
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
    """What the page tells of a network trained with a loss: means over the seeds, and how it was tuned."""
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
    results: Results, *, first: Cell, second: Cell, column: str = "test_accuracy", scale: float = POINTS
) -> Evidence:
    """By seed: scale * (first - second). A run that diverged is left out, and a fault."""
    tables = by_seed(results, first), by_seed(results, second)
    seeds = tables[0].index.intersection(tables[1].index)
    differences = scale * paired_differences(*(table.loc[seeds, column] for table in tables))
    sides = {cell.loss: side(results, cell) for cell in (first, second)}
    return Evidence(
        samples={f"{first.loss} - {second.loss}": differences.tolist()},
        num_seeds=len(differences),
        facts={"sides": sides, "protocol": results.experiment_facts("losses")},
        faults=faults_of(results, (first, second)) or unpaired(*tables),
    )


def unpaired(first: pd.DataFrame, second: pd.DataFrame) -> tuple[str, ...]:
    """Seeds that only one of the two has, as a fault."""
    alone = sorted(set(first.index) ^ set(second.index))
    return (f"seeds without a partner: {', '.join(map(str, alone))}",) if alone else ()


# --- The claims ---

STATEMENT: Final = Statement(
    id="SOFT-3",
    chapter="softmax",
    says=Text(
        en="Labels are discrete, so that the error of raw outputs is hard to measure; hence softmax and cross-entropy.",
        zh="标签是离散的，未经变换的输出与标签之间的误差难以衡量，所以才需要 softmax 和交叉熵。",
    ),
)
DATA: Final = tuple(f"results/experiments/losses/{name}" for name in ("per_seed.csv", "chosen.csv", "tuning.csv"))
HUI_BELKIN: Final = "Hui and Belkin, Evaluation of Neural Architectures Trained with Square Loss vs Cross-Entropy in "
HUI_BELKIN_SOURCE: Final = HUI_BELKIN + "Classification Tasks, arXiv 2006.07322, 2020"


def accuracy_claim(
    reading: str, tested: Text, network: str, other: str, literature: Literature, would_change: str
) -> Claim:
    return Claim(
        statement=STATEMENT,
        reading=reading,
        tested=tested,
        kind="comparison",
        quantifier="on average over the seeds",
        unit="accuracy points",
        rule=Different(),
        literature=literature,
        would_change=would_change,
        data=DATA,
        measure=partial(difference, first=Cell(network, "cross_entropy"), second=Cell(network, other)),
        confirmatory=True,
    )


CLAIMS: Final[tuple[Claim, ...]] = (
    accuracy_claim(
        "closed_form",
        Text(
            en="Least squares on one-hot labels, in closed form, differs in accuracy from softmax regression.",
            zh="用最小二乘法直接拟合独热标签（解析解），分类准确率与 softmax 回归不同。",
        ),
        "linear",
        "closed_form",
        Literature(
            "least squares on indicators can mask a class that lies between others",
            "Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009, section 4.2",
        ),
        "Other images, on which the difference between the two lies within the margin.",
    ),
    accuracy_claim(
        "linear",
        Text(
            en="After equally many epochs of SGD, each at its best learning rate, a linear classifier trained with "
            "squared error differs in accuracy from one trained with cross-entropy.",
            zh="用 SGD 训练同样的轮数、各用自己的最佳学习率，线性分类器采用平方误差与采用交叉熵时准确率不同。",
        ),
        "linear",
        "squared_error",
        Literature("not settled for linear models: the known comparisons are of deep networks", HUI_BELKIN_SOURCE),
        "More epochs, or another optimiser, if they bring the difference within the margin.",
    ),
    accuracy_claim(
        "mlp",
        Text(
            en="After equally many epochs of SGD, each at its best learning rate, a perceptron trained with squared "
            "error differs in accuracy from one trained with cross-entropy.",
            zh="用 SGD 训练同样的轮数、各用自己的最佳学习率，带隐藏层的感知机采用平方误差与采用交叉熵时准确率不同。",
        ),
        "mlp",
        "squared_error",
        Literature(
            "as good or better on language and speech, slightly worse on images: no case against squared error",
            HUI_BELKIN_SOURCE,
        ),
        "More epochs, another optimiser or other initial weights, if they bring the difference within the margin.",
    ),
    Claim(
        statement=STATEMENT,
        reading="nll",
        tested=Text(
            en="The probabilities of the perceptron trained with squared error have a higher negative log-likelihood "
            "than those of the one trained with cross-entropy, each at its best temperature.",
            zh="经温度缩放之后，用平方误差训练的感知机，其概率的负对数似然仍高于用交叉熵训练的感知机。",
        ),
        kind="comparison",
        quantifier="on average over the seeds",
        unit="nats an image",
        rule=Signed("above"),
        literature=Literature(
            "both losses are proper: each is smallest, in expectation, at the true probabilities",
            "Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA 102, 2007",
        ),
        would_change=(
            "Another way from raw outputs to probabilities, by which squared error has the lower negative "
            "log-likelihood; softmax at one temperature is the one tested."
        ),
        data=DATA,
        measure=partial(
            difference,
            first=Cell("mlp", "squared_error"),
            second=Cell("mlp", "cross_entropy"),
            column="nll_scaled",
            scale=1.0,
        ),
    ),
)
