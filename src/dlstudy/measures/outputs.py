"""Measures of where an activation belongs: between layers (MLP-1), on the output (ACT-3, 4, 6), mixed (ACT-7).

Also of whether deep sigmoid networks can be rescued (ACT-11).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from dlstudy.judging.evidence import Count, Evidence, PerSeed, Sample, TwoCounts, exact
from dlstudy.measures.outputs_evidence import (
    EXPERIMENT,
    FOLDER,
    MIXTURES,
    PLAIN,
    POINTS,
    PURE_RELU,
    PURE_SIGMOID,
    RELU_LOGITS,
    RESCUES,
    SOFTMAX,
    Cell,
    difference,
    faults_of,
    protocol,
    rows_of,
    side,
)
from dlstudy.study.results import MissingResultError, Results


def compared(results: Results, first: Sequence[str], second: Sequence[str]) -> Evidence:
    """By seed: test accuracy of one network and variant less that of another, in points."""
    return difference(results, Cell(*first), Cell(*second))


# --- MLP-1: no activation ---


def collapse(results: Results) -> Evidence:
    """How far a perceptron without activation is from one affine map, for each seed."""
    table = results.experiment(EXPERIMENT, "collapse")
    return Evidence(
        exact(
            {
                "outputs": table["relative_difference"].max(),
                "images that change class": table["num_other_classes"].sum(),
            }
        ),
        num_seeds=len(table),
        facts={"largest": table["relative_difference"].max(), "num_other": int(table["num_other_classes"].sum())},
    )


# --- ACT-3 and ACT-4: ReLU on the output ---


def price_rows(results: Results, output: str, start: str = "mean") -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "price_per_seed")
    return table[(table["output"] == output) & (table["start"] == start)].set_index("seed")


def price(results: Results) -> Evidence:
    """The error on test of ReLU on the output over that of a linear output, less 1, in percent, by seed."""
    relu, linear = (price_rows(results, output) for output in ("relu", "identity"))
    diverged = relu["diverged"].astype(bool) | linear["diverged"].astype(bool).reindex(relu.index)
    seeds = relu.index[~diverged]
    if not len(seeds):
        raise MissingResultError(f"{FOLDER}/price_per_seed.csv: expected a seed that did not diverge, found none")
    excess = POINTS * (relu.loc[seeds, "rmse"] / linear.loc[seeds, "rmse"] - 1)
    chosen = results.experiment(EXPERIMENT, "price_chosen")
    at_edge = chosen[chosen["at_edge"].astype(bool)]
    return Evidence(
        {"": PerSeed(excess.tolist())},
        num_seeds=len(seeds),
        facts={
            **{"sides": price_sides(results), "failing": failing_rates(results)},
            "protocol": protocol(results),
        },
        faults=(
            *(
                f"{row.output}: its best learning rate, {row.lr:g}, lies at an end of those tried"
                for row in at_edge.itertuples()
            ),
            *(f"price, seed {seed}: diverged" for seed in relu.index[diverged]),
        ),
    )


def failing_rates(results: Results) -> dict[str, float | None]:
    """Of each output the smallest learning rate with which a tuning seed explains nothing; None if there is none."""
    trials = results.experiment(EXPERIMENT, "price_tuning")
    failing = trials[trials["explained_variance"] == 0].groupby("output")["lr"].min()
    return {output: float(failing[output]) if output in failing else None for output in ("identity", "relu")}


def price_sides(results: Results) -> list[dict[str, Any]]:
    """For each variant of the table on the page: error and explained variance over the seeds, and outputs of 0."""
    rates = results.experiment(EXPERIMENT, "price_chosen").set_index("output")["lr"]
    sides = []
    for output, start in (("identity", "mean"), ("relu", "mean"), ("relu", "zero")):
        rows = price_rows(results, output, start)
        kept = rows[~rows["diverged"].astype(bool)]
        sides.append(
            {
                "output": output,
                "start": start,
                "lr": float(rates[output]),
                "num_seeds": len(kept),
                "rmse": kept["rmse"].mean(),
                "low": kept["rmse"].min(),
                "high": kept["rmse"].max(),
                "r2": kept["r2"].mean(),
                "num_dead": int((kept["share_zero"] == 1).sum()),
                "most_zero": kept["share_zero"].max(),
            }
        )
    return sides


def logits_of(results: Results, cell: Cell) -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "logits")
    return table[table["variant"] == cell.variant]


def relu_on_logits(results: Results) -> Evidence:
    found = difference(results, SOFTMAX, RELU_LOGITS)
    facts = {
        cell.variant: {
            "num_never_predicted": logits_of(results, cell)["num_never_predicted"].tolist(),
            "num_dead": logits_of(results, cell)["num_dead"].tolist(),
            "share_silent": logits_of(results, cell)["share_silent"].mean(),
        }
        for cell in (SOFTMAX, RELU_LOGITS)
    }
    return replace(found, facts={**found.facts, "logits": facts})


def lost_classes(results: Results) -> Evidence:
    """By seed, with ReLU on the logits, the classes that are dead (always 0) or never predicted, on the test images."""
    table = logits_of(results, RELU_LOGITS)
    if table.empty:
        raise MissingResultError(f"{FOLDER}/logits.csv: expected rows of {RELU_LOGITS}, found none")
    dead, silent = table["num_dead"], table["num_never_predicted"]
    facts = {"num_hit": int((dead > 0).sum()), "num_losing": int((silent > 0).sum())}
    counts = table[["num_dead", "num_never_predicted"]].max(axis=1)
    return Evidence({RELU_LOGITS.variant: PerSeed(counts.tolist())}, num_seeds=len(counts), facts=facts)


# --- ACT-6: sigmoid on the outputs ---


# --- ACT-7: mixtures, exploratory ---


def best_mixture(results: Results) -> Cell:
    """The mixture of the highest validation accuracy, with the tuning seeds; the first of several."""
    return max(MIXTURES, key=lambda cell: float(rows_of(results, "chosen", cell)["validation_accuracy"].iloc[0]))


def mixture(results: Results, against: str) -> Evidence:
    """By seed: the best mixture on validation less networks of "relu" or "sigmoid" alone."""
    best = best_mixture(results)
    found = difference(results, best, Cell("middle", against))
    sides = [side(results, cell) for cell in (PURE_RELU, PURE_SIGMOID, *MIXTURES)]
    return replace(found, facts={**found.facts, "best": best.variant, "rows": sides})


# --- ACT-11: deep sigmoid rescued ---


def rescued(results: Results) -> Evidence:
    """How many seeds reach the accuracy of a trained network with each rescue, and plainly; a diverged one has not."""
    facts = protocol(results)
    reached = {cell: reaching(results, cell, facts["reached"]) for cell in (PLAIN, *RESCUES)}
    edges = [fault for fault in faults_of(results, (PLAIN,)) if not fault.endswith("diverged")]
    samples: dict[str, Sample] = {cell.variant: TwoCounts(reached[cell], reached[PLAIN]) for cell in RESCUES}
    return Evidence(
        samples,
        num_seeds=reached[PLAIN][1],
        facts={"protocol": facts, "rows": [rescue_row(results, cell, *found) for cell, found in reached.items()]},
        faults=tuple(edges),
        aside={cell.variant: Count(*found) for cell, found in reached.items()},
    )


def reaching(results: Results, cell: Cell, accuracy: float) -> tuple[int, int]:
    """How many seeds of a cell reach an accuracy, and of how many."""
    found = rows_of(results, "per_seed", cell)["accuracy"]
    return int((found >= accuracy).sum()), len(found)


def rescue_row(results: Results, cell: Cell, num_reached: int, num_seeds: int) -> dict[str, Any]:
    """What the page says of a way to train: how it was tuned, how many seeds reach the accuracy, accuracies."""
    num_diverged = int(rows_of(results, "per_seed", cell)["diverged"].astype(bool).sum())
    return {
        **side(results, cell),
        "num_reached": num_reached,
        "num_seeds": num_seeds,
        "num_diverged": num_diverged,
    }
