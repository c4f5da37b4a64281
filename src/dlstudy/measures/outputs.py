"""Measures of where an activation belongs: between layers (MLP-1), on the output (ACT-3, 4, 6), mixed (ACT-7).

Also of whether deep sigmoid networks can be rescued (ACT-11). Each training budget is judged apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from dlstudy.judging.evidence import Count, Evidence, PerSeed, TwoCounts, exact, per_seed
from dlstudy.measures.outputs_evidence import (
    EXPERIMENT,
    FOLDER,
    MIXTURES,
    POINTS,
    Cell,
    budgets_of,
    difference,
    edges_of,
    protocol,
    rows_of,
    side,
)
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results


def compared(results: Results, first: Sequence[str], second: Sequence[str]) -> Evidence:
    """By budget and seed: test accuracy of one network and variant less that of another, in points."""
    pairs = {
        budget: (Cell(first[0], first[1], budget), Cell(second[0], second[1], budget)) for budget in budgets_of(results)
    }
    return difference(results, pairs)


# --- MLP-1: no activation ---


def collapse(results: Results) -> Evidence:
    """How far a perceptron without activation is from one affine map, for each budget and seed."""
    table = results.experiment(EXPERIMENT, "collapse")
    return Evidence(
        exact(
            {
                "outputs": table["relative_difference"].max(),
                "images that change class": table["num_other_classes"].sum(),
            }
        ),
        num_seeds=table["seed"].nunique(),
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


def logits_of(results: Results, variant: str, budget: float) -> pd.DataFrame:
    table = results.experiment(EXPERIMENT, "logits")
    rows = table[(table["variant"] == variant) & (table["budget"] == budget)]
    if rows.empty:
        raise MissingResultError(f"{FOLDER}/logits.csv: expected rows of {variant}, {in_epochs(budget)}, found none")
    return rows


def relu_on_logits(results: Results) -> Evidence:
    """Linear outputs less ReLU on them; beside the accuracies of both, which classes are lost."""
    found = compared(results, ("shallow", "softmax"), ("shallow", "relu_logits"))
    rows = []
    for row in found.facts["rows"]:
        logits = logits_of(results, row["variant"], row["budget"])
        lost = {name: logits[name].tolist() for name in ("num_never_predicted", "num_dead")}
        rows.append({**row, **lost, "share_silent": logits["share_silent"].mean()})
    return replace(found, facts={**found.facts, "rows": rows})


def lost_classes(results: Results) -> Evidence:
    """By seed, with ReLU on the logits, the classes that are dead (always 0) or never predicted, on the test images."""
    tables = {in_epochs(budget): logits_of(results, "relu_logits", budget) for budget in budgets_of(results)}
    rows = [
        {"budget": name, "num_hit": int((table["num_dead"] > 0).sum())}
        | {"num_losing": int((table["num_never_predicted"] > 0).sum()), "num_seeds": len(table)}
        for name, table in tables.items()
    ]
    counts = {name: table[["num_dead", "num_never_predicted"]].max(axis=1).tolist() for name, table in tables.items()}
    return Evidence(per_seed(counts), min(map(len, counts.values())), {"rows": rows})


# --- ACT-7: mixtures, exploratory ---


def best_mixture(results: Results, budget: float) -> Cell:
    """The mixture of the highest validation accuracy, with the tuning seeds; the first of several."""
    mixtures = [Cell("middle", variant, budget) for variant in MIXTURES]
    return max(mixtures, key=lambda cell: float(rows_of(results, "chosen", cell)["validation_accuracy"].iloc[0]))


def mixture(results: Results, against: str) -> Evidence:
    """By budget and seed: the best mixture on validation less networks of "relu" or "sigmoid" alone."""
    best = {budget: best_mixture(results, budget) for budget in budgets_of(results)}
    found = difference(results, {budget: (cell, Cell("middle", against, budget)) for budget, cell in best.items()})
    rows = [
        side(results, Cell("middle", variant, budget)) | {"best": variant == best[budget].variant}
        for budget in best
        for variant in ("relu", "sigmoid", *MIXTURES)
    ]
    return replace(found, facts={**found.facts, "rows": rows})


# --- ACT-11: deep sigmoid rescued ---


def deep_cells(results: Results) -> dict[str, Cell]:
    """By name, the plain network at the shortest budget, and its rescues: that at the longest budget is one of them."""
    shortest, *longer = budgets_of(results)
    cells = {variant: Cell("deep", variant, shortest) for variant in ("plain", "xavier4", "batch_norm", "adam")}
    return {**cells, "longer": Cell("deep", "plain", longer[-1])} if longer else cells


def rescued(results: Results) -> Evidence:
    """How many seeds reach the accuracy of a trained network with each rescue, and plainly; a diverged one has not."""
    facts, cells = protocol(results), deep_cells(results)
    reached = {name: reaching(results, cell, facts["reached"]) for name, cell in cells.items()}
    plain = reached["plain"]
    return Evidence(
        {name: TwoCounts(found, plain) for name, found in reached.items() if name != "plain"},
        num_seeds=plain[1],
        facts={"protocol": facts, "rows": [rescue_row(results, name, cells, reached) for name in cells]},
        faults=edges_of(results, [cells["plain"]]),
        aside={name: Count(*found) for name, found in reached.items()},
    )


def reaching(results: Results, cell: Cell, accuracy: float) -> tuple[int, int]:
    """How many seeds of a cell reach an accuracy on validation, and of how many."""
    found = rows_of(results, "per_seed", cell)["validation_accuracy"]
    return int((found >= accuracy).sum()), len(found)


def rescue_row(
    results: Results, name: str, cells: Mapping[str, Cell], reached: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """What the page says of a way to train: how it was tuned, how many seeds reach the accuracy, accuracies."""
    num_diverged = int(rows_of(results, "per_seed", cells[name])["diverged"].astype(bool).sum())
    num_reached, num_seeds = reached[name]
    return {
        **side(results, cells[name], "validation_accuracy"),
        "name": name,
        "num_reached": num_reached,
        "num_seeds": num_seeds,
        "num_diverged": num_diverged,
    }
