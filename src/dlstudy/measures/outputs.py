"""Measures of where an activation belongs: between layers (MLP-1), on the output (ACT-3, 4, 6), mixed (ACT-7).

Also of whether deep sigmoid networks can be rescued (ACT-11). Each training budget is judged apart.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import Count, Evidence, PerSeed, TwoCounts, exact, per_seed
from dlstudy.measures.samples import POINTS, Cell, Trainings, edges_of
from dlstudy.study.ladder import in_epochs
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "activation_outputs"
MIXTURES: Final = ("sigmoid_first", "sigmoid_last", "alternating")


def compared(results: Results, first: tuple[str, str], second: tuple[str, str]) -> Evidence:
    """By budget and seed: test accuracy of one network and variant less that of another, in points."""
    trainings = Trainings(results, EXPERIMENT)
    pairs = {budget: (Cell(*first, budget), Cell(*second, budget)) for budget in trainings.budgets}
    return difference(trainings, pairs)


def difference(trainings: Trainings, pairs: Mapping[float, tuple[Cell, Cell]]) -> Evidence:
    """By budget and seed: test accuracy, first less second, in points. A run that diverged is left out, and a fault."""
    cells = [cell for pair in pairs.values() for cell in pair]
    tables = [(cell, trainings.rows("per_seed", cell)) for cell in cells]
    lost = [
        f"{cell}, seed {seed}: diverged"
        for cell, table in tables
        for seed in table.loc[table["diverged"].astype(bool), "seed"]
    ]
    facts = {"rows": [side(trainings, cell) for cell in cells], "protocol": trainings.facts}
    points = {budget: trainings.paired(*pair) for budget, pair in pairs.items()}
    return trainings.evidence(points, facts, trainings.edges(cells) + lost)


def side(trainings: Trainings, cell: Cell, column: str = "test_accuracy") -> dict[str, Any]:
    """What the page shows of a cell: accuracy over the seeds that did not diverge, and how it was tuned."""
    accuracies = trainings.by_seed(cell)[column]
    (chosen,) = trainings.rows("chosen", cell).to_dict("records")
    spread = {"mean": accuracies.mean(), "low": accuracies.min(), "high": accuracies.max()} if len(accuracies) else {}
    return {
        **cell._asdict(),
        "lr": chosen["lr"],
        "at_edge": bool(chosen["at_edge"]),
        "tuned": chosen["validation_accuracy"],
        "num_seeds": len(accuracies),
        **spread,
    }


def collapse(results: Results) -> Evidence:
    """MLP-1: how far a perceptron without activation is from one affine map, for each budget and seed."""
    table = results.experiment(EXPERIMENT, "collapse")
    largest, num_other = table["relative_difference"].max(), int(table["num_other_classes"].sum())
    return Evidence(
        exact({"outputs": largest, "images that change class": num_other}),
        num_seeds=table["seed"].nunique(),
        facts={"largest": largest, "num_other": num_other},
    )


def price(results: Results) -> Evidence:
    """ACT-3: the error on test of ReLU on the output over that of a linear output, less 1, in percent, by seed."""
    table = results.experiment(EXPERIMENT, "price_per_seed")
    chosen, trials = (results.experiment(EXPERIMENT, name) for name in ("price_chosen", "price_tuning"))
    judged = table[table["start"] == "mean"]
    errors = judged.pivot(index="seed", columns="output", values="rmse")
    diverged = errors.index.isin(judged.loc[judged["diverged"].astype(bool), "seed"])
    if diverged.all():
        raise MissingResultError(
            f"results/experiments/{EXPERIMENT}/price_per_seed.csv: expected a seed that did not diverge, found none"
        )
    excess = POINTS * (errors["relu"] / errors["identity"] - 1)[~diverged]
    # Of each output the smallest learning rate with which a tuning seed explains nothing; None if there is none.
    failing = trials[trials["explained_variance"] == 0].groupby("output")["lr"].min()
    facts = {
        "sides": price_sides(table[~table["diverged"].astype(bool)], chosen.set_index("output")["lr"]),
        "failing": {output: failing.get(output) for output in ("identity", "relu")},
        "protocol": results.experiment_facts(EXPERIMENT),
    }
    faults = edges_of(chosen["output"], chosen) + [f"price, seed {seed}: diverged" for seed in errors.index[diverged]]
    return Evidence({"": PerSeed(excess.tolist())}, num_seeds=len(excess), facts=facts, faults=tuple(faults))


def price_sides(table: pd.DataFrame, rates: "pd.Series[float]") -> list[dict[str, Any]]:
    """For each variant of the table on the page: error and explained variance over the seeds, and outputs of 0."""
    sides = []
    for output, start in (("identity", "mean"), ("relu", "mean"), ("relu", "zero")):
        rows = table[(table["output"] == output) & (table["start"] == start)]
        side = {"output": output, "start": start, "lr": rates[output], "num_seeds": len(rows)}
        side |= dict(zip(("rmse", "low", "high"), rows["rmse"].agg(["mean", "min", "max"]), strict=True))
        dead = {"num_dead": (rows["share_zero"] == 1).sum(), "most_zero": rows["share_zero"].max()}
        sides.append({**side, "r2": rows["r2"].mean(), **dead})
    return sides


def relu_on_logits(results: Results) -> Evidence:
    """ACT-4: linear outputs less ReLU on them; beside the accuracies of both, which classes are lost."""
    trainings = Trainings(results, EXPERIMENT)
    found = compared(results, ("shallow", "softmax"), ("shallow", "relu_logits"))
    rows = []
    for row in found.facts["rows"]:
        logits = trainings.rows("logits", Cell("shallow", row["variant"], row["budget"]))
        lost = logits[["num_never_predicted", "num_dead"]].to_dict("list")
        rows.append({**row, **lost, "share_silent": logits["share_silent"].mean()})
    return replace(found, facts={**found.facts, "rows": rows})


def lost_classes(results: Results) -> Evidence:
    """ACT-4: by seed, with ReLU on the logits, the classes that are dead (always 0) or never predicted, on test."""
    trainings = Trainings(results, EXPERIMENT)
    rows, counts = [], {}
    for budget in trainings.budgets:
        table = trainings.rows("logits", Cell("shallow", "relu_logits", budget))[["num_dead", "num_never_predicted"]]
        num_hit, num_losing = (table > 0).sum()
        rows.append(
            {"budget": in_epochs(budget), "num_hit": num_hit, "num_losing": num_losing, "num_seeds": len(table)}
        )
        counts[in_epochs(budget)] = table.max(axis=1).tolist()
    return Evidence(per_seed(counts), min(map(len, counts.values())), {"rows": rows})


def best_mixture(trainings: Trainings, budget: float) -> Cell:
    """The mixture of the highest validation accuracy, with the tuning seeds; the first of several."""
    mixtures = [Cell("middle", variant, budget) for variant in MIXTURES]
    return max(mixtures, key=lambda cell: float(trainings.rows("chosen", cell)["validation_accuracy"].iloc[0]))


def mixture(results: Results, against: str) -> Evidence:
    """ACT-7, exploratory: by budget and seed, the best mixture on validation less "relu" or "sigmoid" alone."""
    trainings = Trainings(results, EXPERIMENT)
    best = {budget: best_mixture(trainings, budget) for budget in trainings.budgets}
    found = difference(trainings, {budget: (cell, Cell("middle", against, budget)) for budget, cell in best.items()})
    rows = [
        side(trainings, Cell("middle", variant, budget)) | {"best": variant == best[budget].variant}
        for budget in best
        for variant in ("relu", "sigmoid", *MIXTURES)
    ]
    return replace(found, facts={**found.facts, "rows": rows})


def rescued(results: Results) -> Evidence:
    """ACT-11: how many seeds reach the accuracy of a trained network with each rescue, and plainly."""
    trainings = Trainings(results, EXPERIMENT)
    facts, (shortest, *longer) = trainings.facts, trainings.budgets
    # The plain network at the shortest budget, and its rescues: the longest budget is one of them.
    cells = {variant: Cell("deep", variant, shortest) for variant in ("plain", "xavier4", "batch_norm", "adam")}
    cells |= {"longer": Cell("deep", "plain", longer[-1])} if longer else {}
    counts: dict[str, Count] = {}  # of seeds that reach the accuracy; a network that diverged has not reached it
    rows = []
    for name, cell in cells.items():
        table = trainings.rows("per_seed", cell)
        counts[name] = Count(int((table["validation_accuracy"] >= facts["reached"]).sum()), len(table))
        shown = {"num_reached": counts[name].found, "num_seeds": len(table), "num_diverged": table["diverged"].sum()}
        rows.append({**side(trainings, cell, "validation_accuracy"), "name": name, **shown})
    pairs = {name: (each.found, each.num) for name, each in counts.items()}
    plain = pairs.pop("plain")
    return Evidence(
        {name: TwoCounts(pair, plain) for name, pair in pairs.items()},
        num_seeds=plain[1],
        facts={"protocol": facts, "rows": rows},
        faults=tuple(trainings.edges([cells["plain"]])),
        aside=counts,
    )
