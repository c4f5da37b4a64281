"""The values on the page of published figures: others' networks, beside ours of the same shape and images."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pandas as pd

from dlstudy.judging.evidence import PerSeed
from dlstudy.judging.rules import outcome_of
from dlstudy.judging.statistics import paired_differences
from dlstudy.literature.published import Published, PublishedFigure
from dlstudy.measures.samples import records
from dlstudy.report.markdown import Context
from dlstudy.study.ladder import POINTS, Cell, Ladder
from dlstudy.study.params import JudgeParams
from dlstudy.study.results import Results

EXPERIMENT: Final = "published_networks"
NEAR: Final = 1.0  # accuracy points: how far from the published figure a network may be and count as reproduced
# What ours say of a published order, by the outcome for the network that is ahead there; else it is undecided.
ORDERS: Final[dict[str, str]] = {"better": "the same", "worse": "the other way", "equivalent": "too close to matter"}


def published_context(results: Results, published: Published) -> Context:
    table, facts = results.experiment(EXPERIMENT, "table"), results.experiment_facts(EXPERIMENT)
    rows = network_rows(table, results.experiment(EXPERIMENT, "table_epochs"), published.networks)
    orders = order_rows(table, rows, results.study.judge)
    own = table.groupby(["hidden", "activation"], sort=False)["test_accuracy"]  # over the seeds of each network
    return {
        "facts": facts,
        "near": NEAR,
        "own": records(own.agg(mean="mean", low="min", high="max").reset_index()),
        "rows": rows,
        "far": [row for row in rows if abs(row["difference"]) > NEAR],
        "orders": orders,
        "order_counts": Counter(row["order"] for row in orders),
        "runs": run_rows(results.experiment(EXPERIMENT, "tutorial")),
        "signals": records(results.experiment(EXPERIMENT, "tutorial_signals")),
        "editions": edition_rows(published.networks, tuple(facts["tutorial"]["hidden"])),
        "elsewhere": published.elsewhere,
        "sweep": published.sweep,
    }


def network_rows(table: pd.DataFrame, epochs: pd.DataFrame, published: Sequence[PublishedFigure]) -> list[Context]:
    """A row for each published network that is in the table: its figure, ours, and the difference in accuracy points.

    `gain` is how far validation accuracy rose in the last epoch, in points, in the mean of the seeds.
    """
    rows = []
    for figure in published:
        hidden = "-".join(map(str, figure.hidden))
        ours = of_network(table, hidden, figure.activation)["test_accuracy"]
        by_epoch = of_network(epochs, hidden, figure.activation).groupby("epoch")["validation_accuracy"].mean()
        if len(ours):
            rows.append(
                {
                    "hidden": hidden,
                    "activation": figure.activation,
                    "published": figure.value,
                    "mean": ours.mean(),
                    "low": ours.min(),
                    "high": ours.max(),
                    "difference": POINTS * (ours.mean() - figure.value),
                    "gain": POINTS * (by_epoch.iloc[-1] - by_epoch.iloc[-2]),
                }
            )
    return rows


def edition_rows(published: Sequence[PublishedFigure], hidden: tuple[int, ...]) -> list[Context]:
    """One per activation that the tutorial publishes: its accuracy in each edition, by the edition's short name."""
    found: dict[str, dict[str, float]] = {}
    for figure in published:
        if figure.hidden == hidden:
            found.setdefault(figure.activation, {})[figure.short] = figure.value
    return [{"activation": activation, "values": values} for activation, values in found.items()]


def of_network(table: pd.DataFrame, hidden: str, activation: str) -> pd.DataFrame:
    return table[(table["hidden"].astype(str) == hidden) & (table["activation"] == activation)]


def order_rows(table: pd.DataFrame, rows: Sequence[Context], settings: JudgeParams) -> list[Context]:
    """A row for each published order of two networks: how far the first is ahead in accuracy points, there and here.

    Ours are paired by seed, with the interval over the seeds.
    """
    found = []
    for first, second in published_orders(rows):
        ours = [of_network(table, row["hidden"], row["activation"]).set_index("seed") for row in (first, second)]
        ahead = PerSeed((POINTS * paired_differences(*(each["test_accuracy"] for each in ours))).tolist())
        outcome = "undecided" if ahead.problem(settings.confidence) else outcome_of(ahead, settings)
        row = {
            "first": first,
            "second": second,
            "published": POINTS * (first["published"] - second["published"]),
            "ours": ahead.interval(settings.confidence),
            "outcome": outcome,
            "order": ORDERS.get(outcome, "undecided"),
        }
        found.append(row)
    return found


def published_orders(rows: Sequence[Context]) -> list[tuple[Context, Context]]:
    """The pairs, each once, the network that is ahead in the published figures first.

    Of each shape ReLU and tanh, then neighbours in the published ranking. Networks that are published with the same
    accuracy have no order.
    """
    ranking = sorted(rows, key=lambda row: -row["published"])
    by_shape: dict[str, list[Context]] = {}
    for row in ranking:
        if row["activation"] in ("relu", "tanh"):
            by_shape.setdefault(row["hidden"], []).append(row)
    pairs = [of_shape for of_shape in by_shape.values() if len(of_shape) == 2]
    pairs += [list(pair) for pair in pairwise(ranking) if list(pair) not in pairs]
    return [(first, second) for first, second in pairs if first["published"] > second["published"]]


def run_rows(runs: pd.DataFrame) -> list[Context]:
    """One per activation and initialiser of the tutorial: of its seeds, when they began to learn, when the rule stops.

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


def single_run_row(ladder: Ladder, cell: Cell) -> Context:
    """Of a cell: the activation with the highest mean test accuracy, and what each seed by itself would have named.

    One run of each setting is the protocol of a published sweep. `spread` is the standard deviation over seeds of that
    activation, in accuracy points.
    """
    table = pd.DataFrame({name: ladder.scores(name, cell) for name in ladder.activations})
    best = str(table.mean().idxmax())
    named = table.idxmax(axis=1)
    return {
        "cell": cell,
        "best": best,
        "spread": POINTS * table[best].std(),
        "num_seeds": len(named),
        "num_agreeing": int((named == best).sum()),
        "others": sorted(set(named) - {best}),
    }
