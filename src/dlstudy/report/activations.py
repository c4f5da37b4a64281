"""The page for practitioners: which activation, when; every answer computed from the ladder."""

from collections import Counter
from operator import itemgetter
from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import PerSeed
from dlstudy.judging.rules import outcome_of, smallest_margin
from dlstudy.measures.samples import records
from dlstudy.report.markdown import Context
from dlstudy.study.ladder import POINTS, RELU, Cell, Ladder
from dlstudy.study.results import MissingResultError, Results

HASTY_RATE: Final = 0.1  # of a hasty comparison: what tutorials start with, and what the first rung tries for all


def activations_page(results: Results) -> Context:
    ladder, settings = Ladder.of(results), results.study.judge
    # ReLU less ReLU as its own rival, by cell: what the ladder can resolve
    controls = {cell: PerSeed(ladder.control(cell).tolist()) for cell in ladder.living}
    return {
        "dead": [str(cell) for cell in ladder.cells if cell not in ladder.living],
        "deepest": deepest_rows(ladder),
        "controls": [
            {"cell": cell, "found": each.interval(2 * settings.confidence - 1), "by": smallest_margin(each, settings)}
            for cell, each in controls.items()
        ],
        "arms": arm_rows(ladder),
        "in_arms": verdicts_in_arms(results.arms()),
        "hasty": hasty_rows(ladder),
        "hasty_rate": HASTY_RATE,
        "which": which(ladder),
    }


def cell_row(ladder: Ladder, cell: Cell) -> Context:
    """The best on validation, ReLU beside it, and who is as good on test: equivalent within the margin."""
    best, settings = ladder.best(cell, ladder.activations), ladder.results.study.judge
    behind = {name: PerSeed(ladder.points(best, name, cell).tolist()) for name in ladder.activations if name != best}
    chosen = ladder.choice(best, cell)
    return {
        "cell": cell,
        "best": best,
        "init": chosen["init"],
        "lr": chosen["lr"],
        "accuracy": ladder.scores(best, cell).mean(),
        "relu": ladder.scores(RELU, cell).mean(),
        "behind": POINTS * (ladder.scores(best, cell) - ladder.scores(RELU, cell)).mean(),
        "close": [name for name, sample in behind.items() if outcome_of(sample, settings) == "equivalent"],
    }


def deepest_rows(ladder: Ladder) -> list[Context]:
    """By activation: the deepest network of which every seed trains, at each budget; 0 where there is none."""
    rows = []
    for name in ladder.activations:
        depths = dict.fromkeys(sorted({cell.budget for cell in ladder.cells}), 0)
        for cell in ladder.cells:
            if ladder.num_trained(name, cell) == len(ladder.scores(name, cell)):
                depths[cell.budget] = max(depths[cell.budget], cell.depth)
        rows.append({"name": name, "depths": depths})
    return rows


def arm_rows(ladder: Ladder) -> list[Context]:
    """By arm and cell: the best of its activations on validation, in the arm and on the ladder itself."""
    rows = []
    for name, arm in ladder.results.study.ladder.arms.items():
        if len(arm.activations) < 2:
            continue
        table: Any = ladder.results.ladder(name, "per_seed")
        longest = table[table["budget"] == table["budget"].max()]
        for of_cell, own in longest.groupby(["depth", "budget"]):
            means = own.groupby("activation")[["validation_accuracy", "test_accuracy"]].mean()
            best, cell = means["validation_accuracy"].idxmax(), Cell(*of_cell)
            test, on_ladder = means["test_accuracy"], ladder.best(cell, arm.activations)
            row = {"arm": name, "cell": cell, "best": best, "accuracy": test[best], "relu": test[RELU]}
            rows.append(row | {"ladder": on_ladder})
    return rows


def verdicts_in_arms(table: pd.DataFrame) -> Context:
    """The arms' names; by reading and arm the row of the table; how many verdicts are those of the same cells."""
    names, rows = list(dict.fromkeys(table["arm"])), dict[str, Context]()
    for row in records(table):
        rows.setdefault(row["id"], {})[row["arm"]] = row
    return {"names": names, "rows": rows, "num": len(table), "num_same": int((table["moves"] == "no").sum())}


def hasty_rows(ladder: Ladder) -> list[Context]:
    """By depth: first and last of a hasty comparison at the shortest budget, and of the fair one at the longest."""
    tuning = ladder.table("tuning")
    naive = tuning[(tuning["budget"] == ladder.shortest) & (tuning["seed"] == tuning["seed"].min())]
    naive = naive[(naive["init"] == "pytorch") & (naive["lr"] == HASTY_RATE)]
    guessing = 1 / len(ladder.results.facts("images")["class_names"])
    rows = []
    for depth in dict.fromkeys(cell.depth for cell in ladder.cells):
        ranked = naive[naive["depth"] == depth].set_index("activation")["validation_accuracy"]
        if ranked.empty:
            raise MissingResultError(f"results/ladder: expected a tuning run at {HASTY_RATE}, found none")
        longest = Cell(depth, max(cell.budget for cell in ladder.cells if cell.depth == depth))
        fair = pd.Series({name: ladder.scores(name, longest, "validation_accuracy").mean() for name in ranked.index})
        row: Context = {"depth": depth, "naive_trains": ranked.max() >= 2 * guessing}
        for kind, table in (("naive", ranked), ("fair", fair)):
            row |= {f"{kind}_first": table.idxmax(), f"{kind}_first_accuracy": table.max()}
            row |= {f"{kind}_last": table.idxmin(), f"{kind}_last_accuracy": table.min()}
        rows.append(row)
    return rows


def which(ladder: Ladder) -> Context:
    """What the short answer needs: the best after the longest training, where the budget matters, one for everything.

    `cells`: those in which anything trains; `policies`: what each loses to trying all, in points, on average and in its
    worst cell, the best policy first; `after_longest`: what they lose in the cells of the longest budget;
    `changing`: the depths at which the best depends on the budget; `always`: the best policy that takes one activation
    everywhere; `relu`, `first`: ReLU's and the note's; `judged`: the verdict on the note's policy, by seeds.
    """
    rows, losses = [cell_row(ladder, cell) for cell in ladder.living], ladder.regrets()
    by_cell: Any = losses.drop(columns="seed").groupby(["depth", "budget"]).mean()
    policies = [
        {"policy": policy, "mean": lost.mean(), "worst": lost.max(), "cell": Cell(*lost.idxmax())}
        for policy, lost in by_cell.items()
    ]
    policies.sort(key=itemgetter("mean"))
    longest = max(row["cell"].budget for row in rows)
    num_best = Counter(depth for depth, _ in {(row["cell"].depth, row["best"]) for row in rows})
    by_name = {row["policy"]: row for row in policies}
    verdicts = ladder.results.verdicts().set_index("id")
    return {
        "cells": rows,
        "policies": policies,
        "longest": longest,
        "after_longest": losses[losses["budget"] == longest].mean().to_dict(),
        "changing": sorted(depth for depth, num in num_best.items() if num > 1),
        "always": next(row for row in policies if row["policy"].startswith("always")),
        "relu": by_name[f"always {RELU}"],
        "first": by_name["relu first"],
        "judged": verdicts.loc["ACT-16/policy"].to_dict(),
        "num_activations": len(ladder.activations),
        "margin": ladder.results.study.judge.margin,
        "confidence": ladder.results.study.judge.confidence,
        "num_seeds": len(ladder.results.study.ladder.protocol.seeds),
    }
