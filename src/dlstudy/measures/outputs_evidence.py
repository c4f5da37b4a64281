"""What the measures on activations of outputs read of their experiment."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, PerSeed
from dlstudy.judging.statistics import paired_differences
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "activation_outputs"
FOLDER: Final = f"results/experiments/{EXPERIMENT}"
POINTS: Final = 100.0  # accuracy points in an accuracy of 1, percent in a share


class Cell(NamedTuple):
    network: str
    variant: str

    def __str__(self) -> str:
        return f"{self.network}, {self.variant}"


SOFTMAX, RELU_LOGITS = Cell("shallow", "softmax"), Cell("shallow", "relu_logits")
PURE_RELU, PURE_SIGMOID = Cell("middle", "relu"), Cell("middle", "sigmoid")
MIXTURES: Final = tuple(Cell("middle", variant) for variant in ("sigmoid_first", "sigmoid_last", "alternating"))
PLAIN: Final = Cell("deep", "plain")
RESCUES: Final = tuple(Cell("deep", variant) for variant in ("xavier4", "batch_norm", "adam", "longer"))


def rows_of(results: Results, table: str, cell: Cell) -> pd.DataFrame:
    """The rows of a cell; MissingResultError where there is none."""
    found = results.experiment(EXPERIMENT, table)
    rows = found[(found["network"] == cell.network) & (found["variant"] == cell.variant)]
    if rows.empty:
        raise MissingResultError(f"{FOLDER}/{table}.csv: expected rows of {cell}, found none")
    return rows


def by_seed(results: Results, cell: Cell) -> pd.DataFrame:
    """The scores of the networks that did not diverge, indexed by seed."""
    rows = rows_of(results, "per_seed", cell)
    return rows[~rows["diverged"].astype(bool)].set_index("seed")


def faults_of(results: Results, cells: Sequence[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried, and trainings that diverged."""
    faults = []
    for cell in cells:
        (chosen,) = rows_of(results, "chosen", cell).itertuples()
        if chosen.at_edge:
            faults.append(f"{cell}: its best learning rate, {chosen.lr:g}, lies at an end of those tried")
        rows = rows_of(results, "per_seed", cell)
        faults += [f"{cell}, seed {seed}: diverged" for seed in rows.loc[rows["diverged"].astype(bool), "seed"]]
    return tuple(faults)


def side(results: Results, cell: Cell) -> dict[str, Any]:
    """What the page shows of a cell: accuracy over the seeds that did not diverge, and how it was tuned."""
    accuracies = by_seed(results, cell)["accuracy"]
    (chosen,) = rows_of(results, "chosen", cell).to_dict("records")
    trials = rows_of(results, "tuning", cell)
    spread = {"mean": accuracies.mean(), "low": accuracies.min(), "high": accuracies.max()} if len(accuracies) else {}
    return {
        "variant": cell.variant,
        "lr": chosen["lr"],
        "at_edge": bool(chosen["at_edge"]),
        "tuned": chosen["validation_accuracy"],
        "num_rates": int(trials["lr"].nunique()),
        "num_diverging": int(trials.loc[trials["diverged"].astype(bool), "lr"].nunique()),
        **spread,
    }


def difference(results: Results, first: Cell, second: Cell) -> Evidence:
    """By seed: test accuracy, first less second, in points. A run that diverged is left out, and a fault."""
    tables = by_seed(results, first), by_seed(results, second)
    seeds = tables[0].index.intersection(tables[1].index)
    faults = faults_of(results, (first, second))
    if not len(seeds):
        raise MissingResultError(
            f"{FOLDER}/per_seed.csv: expected a seed with which {first} and {second} do not diverge"
        )
    differences = POINTS * paired_differences(*(table.loc[seeds, "accuracy"] for table in tables))
    return Evidence(
        {"": PerSeed(differences.tolist())},
        num_seeds=len(differences),
        facts={"sides": {cell.variant: side(results, cell) for cell in (first, second)}, "protocol": protocol(results)},
        faults=faults,
    )


def protocol(results: Results) -> dict[str, Any]:
    return results.experiment_facts(EXPERIMENT)
