"""The page for practitioners: which activation, when; every answer computed from the sweep."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from dlstudy.measures.hasty import fair, hasty
from dlstudy.measures.losses import POINTS
from dlstudy.measures.sweep import RELU, Cell, by_seed, cells_of, protocol_facts, regrets, rows_of
from dlstudy.measures.trainable import trained
from dlstudy.study.results import Results

Context = dict[str, Any]


def activations_page(results: Results) -> Context:
    by_depth, depths = depth_rows(results), deepest_rows(results)
    return {
        "protocol_of": protocol_facts(results),
        "settings": results.study.judge,
        "by_depth": by_depth,
        "depths": depths,
        "hasty": hasty_rows(results),
        "hasty_rate": float(hasty(results)["lr"].iloc[0]),
        "answers": answers(results, by_depth, depths),
    }


def depth_rows(results: Results) -> list[Context]:
    """By depth: the activation and initialiser with the best mean validation accuracy, and who is close to it."""
    table = fair(results)
    rows = []
    for depth in sorted(set(table["depth"])):
        of_depth = table[table["depth"] == depth]
        best = of_depth.loc[of_depth["accuracy"].idxmax()]
        tests = {
            str(row["activation"]): mean_test_accuracy(results, str(row["activation"]), int(depth), str(row["init"]))
            for _, row in of_depth.iterrows()
        }
        name = str(best["activation"])
        close = [
            other
            for other, test in tests.items()
            if other != name and POINTS * abs(tests[name] - test) <= results.study.judge.margin
        ]
        cell = Cell(depth, str(best["init"]))
        rows.append(
            {
                "depth": depth,
                "best": name,
                "init": best["init"],
                "lr": rows_of(results, "chosen", name, cell)["lr"].item(),
                "accuracy": tests[name],
                "relu": tests[RELU],
                "close": close,
            }
        )
    return rows


def mean_test_accuracy(results: Results, activation: str, depth: int, init: str) -> float:
    return float(by_seed(results, activation, Cell(depth, init)).mean())


def deepest_rows(results: Results) -> list[Context]:
    """By activation: the largest number of hidden layers up to which every seed trains, by initialiser."""
    rows = []
    for name in results.study.sweep.activations:
        row: Context = {"name": name, "matching": 0, "pytorch": 0}
        for init in ("matching", "pytorch"):
            for cell in (each for each in cells_of(results) if each.init == init):
                if min(trained(results, name, cell)) < 1:
                    break
                row[init] = cell.depth
        rows.append(row)
    return rows


def hasty_rows(results: Results) -> list[Context]:
    """By depth: first and last of the hasty and of the fair comparison, and their rank correlation."""
    naive, good = hasty(results), fair(results)
    rows = []
    for depth in sorted(naive["depth"].unique()):
        row: Context = {"depth": depth}
        ranked = {}
        for kind, table in (("naive", naive), ("fair", good)):
            own = table[table["depth"] == depth].set_index("activation")["accuracy"]
            ranked[kind] = own
            row |= {f"{kind}_first": own.idxmax(), f"{kind}_first_accuracy": own.max()}
            row |= {f"{kind}_last": own.idxmin(), f"{kind}_last_accuracy": own.min()}
        tau = rank_correlation(ranked["naive"], ranked["fair"].loc[ranked["naive"].index])
        row["tau"] = None if math.isnan(tau) else tau  # where all are alike
        rows.append(row)
    return rows


def rank_correlation(first: "pd.Series[float]", second: "pd.Series[float]") -> float:
    """Kendall's tau-b: concordant less discordant pairs, over what there are but for ties; NaN where all are tied."""
    signs = [np.sign(np.subtract.outer(each.to_numpy(), each.to_numpy())) for each in (first, second)]
    scale = math.sqrt(np.square(signs[0]).sum() * np.square(signs[1]).sum())
    return float((signs[0] * signs[1]).sum() / scale) if scale else math.nan


def answers(results: Results, by_depth: list[Context], depths: list[Context]) -> list[str]:
    """The short answers, each a sentence whose words follow from the numbers."""
    lost = regrets(results).mean()
    return [
        for_everything(lost, best_everywhere(results)),
        shallow(by_depth[0], len(lost), results.study.judge.margin),
        deep(by_depth[-1]),
        reach({row["name"]: row["matching"] for row in depths}),
        what_matters(spread_of_inits(results), spread_of_choice(results)),
    ]


def best_everywhere(results: Results) -> str:
    """The activation with the highest validation accuracy on average over cells and seeds."""
    means = results.sweep("per_seed").groupby("activation")["validation_accuracy"].mean()
    return str(means.idxmax())


def for_everything(lost: "pd.Series[float]", first: str) -> str:
    return (
        f"**One for everything**: {first}, by validation accuracy over all cells. Taken everywhere it loses "
        f"{lost[first]:.2f} accuracy points to the best on validation; ReLU loses {lost[RELU]:.2f}, sigmoid "
        f"{lost['sigmoid']:.2f}."
    )


def shallow(row: Context, num_activations: int, margin: float) -> str:
    layers = "1 hidden layer" if row["depth"] == 1 else f"{row['depth']} hidden layers"
    close = ", ".join(row["close"]) or "no other"
    hardly = "there the choice hardly matters" if 2 * len(row["close"]) >= num_activations else "there it matters"
    return (
        f"**With {layers}** the best on validation is {row['best']}, and within {margin:g} points of it on test "
        f"{'is' if len(row['close']) < 2 else 'are'} {close}: {hardly}."
    )


def deep(row: Context) -> str:
    if row["best"] == RELU:
        return f"**With {row['depth']} hidden layers** take ReLU."
    gap = POINTS * (row["accuracy"] - row["relu"])
    behind = "no worse by more than the margin" if RELU in row["close"] else f"{gap:.1f} points behind"
    return f"**With {row['depth']} hidden layers** take {row['best']}: ReLU is {behind}."


def reach(limits: dict[str, int]) -> str:
    found = ", ".join(f"{name} up to {limits[name] or 'no depth'}" for name in ("sigmoid", "tanh", RELU))
    return f"**How deep**: every seed trains, each activation with its own initialisation, for {found} hidden layers."


def what_matters(of_inits: float, of_choice: float) -> str:
    """Which of the two moves accuracy by more."""
    first, second = ("initialisation", "activation") if of_inits > of_choice else ("activation", "initialisation")
    return (
        f"**Choose the {first} before the {second}**: at the depths that have both, one activation under two "
        f"initialisations differs by {of_inits:.1f} points on average, two activations under one by {of_choice:.1f}."
    )


def depths_of_both(results: Results) -> list[int]:
    """The numbers of hidden layers that are tried with both initialisations."""
    by_init = results.study.sweep.protocol.cells
    return sorted(set(by_init["matching"]) & set(by_init["pytorch"]))


def spread_of_inits(results: Results) -> float:
    """Points between the two initialisations of one activation at one depth, on average."""
    gaps = [
        abs(mean_test_accuracy(results, name, depth, "matching") - mean_test_accuracy(results, name, depth, "pytorch"))
        for name in results.study.sweep.activations
        for depth in depths_of_both(results)
    ]
    return POINTS * sum(gaps) / len(gaps)


def spread_of_choice(results: Results) -> float:
    """Points between two activations in one cell, on average over all pairs and the same cells."""
    gaps = []
    for depth in depths_of_both(results):
        for init in ("matching", "pytorch"):
            means = [mean_test_accuracy(results, name, depth, init) for name in results.study.sweep.activations]
            gaps += [abs(one - other) for one, other in combinations(means, 2)]
    return POINTS * sum(gaps) / len(gaps)
