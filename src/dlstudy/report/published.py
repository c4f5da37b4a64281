"""The values on the page of published figures: others' networks, beside ours of the same shape and images."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import pandas as pd

from dlstudy.data.image_sets import SIDE
from dlstudy.judging.evidence import PerSeed
from dlstudy.judging.rules import outcome_of
from dlstudy.judging.statistics import paired_differences
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.study.judge import JudgeParams
from dlstudy.study.results import Results

Context = dict[str, Any]

EXPERIMENT: Final = "published_networks"
ORDERS: Final[dict[str, str]] = {
    "better": "the same",
    "worse": "the other way",
    "equivalent": "too close to matter",
    "undecided": "undecided",
}
"""What ours say of a published order, by the outcome for the network that is ahead there."""

NEAR: Final = 1.0  # accuracy points: how far from the published figure a network may be and count as reproduced


def published_context(results: Results, published: Published) -> Context:
    tables = {name: results.experiment(EXPERIMENT, name) for name in ("table", "table_epochs", "tutorial")}
    facts = results.experiment_facts(EXPERIMENT)
    rows = network_rows(tables["table"], tables["table_epochs"], published.networks)
    settings = results.study.judge
    orders = order_rows(tables["table"], rows, settings)
    return {
        "comparable": bool(published.networks),
        "image_set": results.image_set(),
        "num_pixels": SIDE**2,
        "num_classes": len(results.facts("images")["class_names"]),
        "facts": facts,
        "near": NEAR,
        "own": own_rows(tables["table"]),
        "rows": rows,
        "far": [row for row in rows if abs(row["difference"]) > NEAR],
        "settings": settings,
        "orders": orders,
        "order_counts": order_counts(orders),
        "runs": run_rows(tables["tutorial"]),
        "signals": results.experiment(EXPERIMENT, "tutorial_signals").to_dict("records"),
        "editions": edition_rows(published.networks, tuple(facts["tutorial"]["hidden"])),
        "elsewhere": published.elsewhere,
        "sweep": published.sweep,
    }


def own_rows(table: pd.DataFrame) -> list[Context]:
    """One a network of ours: the mean of its test accuracy over the seeds, the lowest and the highest."""
    cells = table.groupby(["hidden", "activation"], sort=False)["test_accuracy"]
    found = cells.agg(mean="mean", low="min", high="max").reset_index()
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]


def network_rows(table: pd.DataFrame, epochs: pd.DataFrame, published: Sequence[PublishedFigure]) -> list[Context]:
    """One a published network that is in the table: its figure, ours, and the difference in accuracy points.

    `gain` is how far validation accuracy rose in the last epoch, in points, in the mean of the seeds.
    """
    rows = []
    for figure in published:
        hidden = "-".join(map(str, figure.hidden))
        ours = of_network(table, hidden, figure.activation)["test_accuracy"]
        if len(ours):
            rows.append(
                {
                    "hidden": hidden,
                    "activation": figure.activation,
                    "published": figure.value,
                    "mean": ours.mean(),
                    "low": ours.min(),
                    "high": ours.max(),
                    "difference": 100 * (ours.mean() - figure.value),
                    "gain": last_gain(of_network(epochs, hidden, figure.activation)),
                }
            )
    return rows


def edition_rows(published: Sequence[PublishedFigure], hidden: tuple[int, ...]) -> list[Context]:
    """One an activation that the tutorial publishes: its accuracy in each edition, by the edition's short name."""
    found: dict[str, dict[str, float]] = {}
    for figure in published:
        if figure.hidden == hidden:
            found.setdefault(figure.activation, {})[figure.short] = figure.value
    return [{"activation": activation, "values": values} for activation, values in found.items()]


def of_network(table: pd.DataFrame, hidden: str, activation: str) -> pd.DataFrame:
    return table[(table["hidden"].astype(str) == hidden) & (table["activation"] == activation)]


def last_gain(epochs: pd.DataFrame) -> float:
    """How many accuracy points the last epoch brought on the validation split, in the mean of the seeds."""
    means = epochs.groupby("epoch")["validation_accuracy"].mean()
    return float(100 * (means.iloc[-1] - means.iloc[-2]))


def order_rows(table: pd.DataFrame, rows: Sequence[Context], settings: JudgeParams) -> list[Context]:
    """One a published order of two networks, the one that is ahead there first; and what ours say of it.

    Of each shape ReLU and tanh, then neighbours in the published ranking. Networks that are published with the same
    accuracy have no order.
    """
    return [order_row(table, first, second, settings) for first, second in published_orders(rows)]


def published_orders(rows: Sequence[Context]) -> list[tuple[Context, Context]]:
    """The pairs, each once."""
    ranking = sorted(rows, key=lambda row: -row["published"])
    by_shape: dict[str, list[Context]] = {}
    for row in ranking:
        if row["activation"] in ("relu", "tanh"):
            by_shape.setdefault(row["hidden"], []).append(row)
    pairs = [of_shape for of_shape in by_shape.values() if len(of_shape) == 2]
    pairs += [list(pair) for pair in pairwise(ranking) if list(pair) not in pairs]
    return [(first, second) for first, second in pairs if first["published"] > second["published"]]


def order_row(table: pd.DataFrame, first: Context, second: Context, settings: JudgeParams) -> Context:
    """How far the first is ahead in accuracy points, there and here, with the interval over seeds of ours."""
    ours = [of_network(table, row["hidden"], row["activation"]).set_index("seed") for row in (first, second)]
    ahead = 100 * paired_differences(*(each["test_accuracy"] for each in ours))
    sample = PerSeed(ahead.tolist())
    outcome = "undecided" if sample.problem(settings.confidence) else outcome_of(sample, settings)
    return {
        "first": first,
        "second": second,
        "same_shape": first["hidden"] == second["hidden"],
        "published": 100 * (first["published"] - second["published"]),
        "ours": sample.interval(settings.confidence),
        "outcome": outcome,
        "order": ORDERS[outcome],
    }


def order_counts(orders: Sequence[Context]) -> dict[str, int]:
    """How many orders there are of each kind, in the order of ORDERS."""
    return {name: sum(row["order"] == name for row in orders) for name in ORDERS.values()}


def run_rows(runs: pd.DataFrame) -> list[Context]:
    """One an activation and initialiser of the tutorial: of its seeds, when they began to learn, when the rule stops.

    `early` counts the seeds that the rule stops before they begin to learn.
    """
    rows = []
    for (activation, init), seeds in runs.groupby(["activation", "init"], sort=False):
        early = (seeds["stops"] > 0) & ((seeds["begins"] == 0) | (seeds["stops"] < seeds["begins"]))
        rows.append(
            {
                "activation": activation,
                "init": init,
                "num_seeds": len(seeds),
                "begins": sorted(seeds["begins"]),
                "stops": sorted(seeds["stops"]),
                "early": int(early.sum()),
                "num_learning": int((seeds["begins"] > 0).sum()),
                "num_epochs": int(seeds["num_epochs"].max()),
            }
        )
    return rows
