"""Measures of which activation to choose, from the ladder of training budgets (docs/ladder.md has the rules).

Of MLP-1, ACT-2, ACT-5, ACT-11, ACT-12, ACT-15 and ACT-16. A cell is a depth and a budget; those in which nothing
trains are left out. Differences are paired by seed, in points of test accuracy; beside each stands the A/A control of
its cell.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from dlstudy.core.base.errors import StudyError
from dlstudy.judging.evidence import Correlation, Evidence, Exact, Sample, TwoCounts, per_seed
from dlstudy.study.ladder import LINEAR, RELU, Cell, Ladder, in_epochs
from dlstudy.study.results import MissingResultError, Results

LEAST_SEEDS: Final = 6  # of each of two counts: with fewer, no test can be significant


def differences(
    ladder: Ladder, pairs: Mapping[str, tuple[str, str, Cell]], faults: Sequence[str] = (), **facts: Any
) -> Evidence:
    """First less second (`LINEAR`: softmax regression) in a cell, by condition; grouped by budget.

    A fault where there is no pair: a reading is about cells in none of which any activation trains.
    """
    facts = {"protocol": protocol_facts(ladder), **facts}
    if not pairs:
        return Evidence({"no cell": Exact(0.0)}, facts=facts, faults=("nothing trains in the cells that it is about",))
    spoilt: dict[str, list[str]] = {}
    for condition, (*names, cell) in pairs.items():
        trained = [name for name in dict.fromkeys(names) if name != LINEAR]
        diverged = pd.DataFrame({name: ladder.scores(name, cell, "diverged") for name in trained})
        lost = [f"{name}, {cell}, seed {seed}: diverged" for name in trained for seed in diverged.index[diverged[name]]]
        spoilt[condition] = [*edges_of(ladder, [(name, cell) for name in trained]), *lost]
    return Evidence(
        per_seed({name: ladder.points(*pair).tolist() for name, pair in pairs.items()}),
        num_seeds=len(ladder.results.study.ladder.protocol.seeds),
        facts=facts,
        faults=tuple(faults),
        spoilt=spoilt,
        again=per_seed({name: ladder.control(cell).tolist() for name, (_, _, cell) in pairs.items()}),
        groups={name: in_epochs(cell.budget) for name, (_, _, cell) in pairs.items()},
    )


def living(ladder: Ladder) -> list[Cell]:
    """The cells in which anything trains, by budget; StudyError if there is none."""
    if not ladder.living:
        raise StudyError(
            "ladder.thresholds.trainable: expected a validation accuracy that some network of the ladder reaches, "
            f"found {ladder.trainable:g}, which none does; lower it where the images are hard to tell apart"
        )
    return by_budget(ladder.living)


def by_budget(cells: Iterable[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (cell.budget, cell.depth))


def edges_of(ladder: Ladder, trained: Iterable[tuple[str, Cell]]) -> tuple[str, ...]:
    """Choices at an edge of what was tried."""
    at_edge = [(name, cell) for name, cell in dict.fromkeys(trained) if ladder.choice(name, cell)["at_edge"]]
    return tuple(f"{name}, {cell}: its best learning rate lies at an end of those tried" for name, cell in at_edge)


def protocol_facts(ladder: Ladder) -> dict[str, Any]:
    protocol = ladder.results.study.ladder.protocol
    return {
        **protocol.model_dump(),
        "trainable": ladder.trainable,
        "num_seeds": len(protocol.seeds),
        "activations": ladder.activations,
        "num_cells": len(ladder.cells),
        "num_living": len(ladder.living),
    }


def others(ladder: Ladder) -> list[str]:
    return [name for name in ladder.activations if name != RELU]


def relu_against_best(results: Results) -> Evidence:
    """ACT-2: ReLU less the other that is best on validation, in every cell in which anything trains."""
    ladder = Ladder.of(results)
    rivals = {cell: ladder.best(cell, others(ladder)) for cell in living(ladder)}
    means = [
        {
            "cell": str(cell),
            "means": {name: ladder.scores(name, cell).mean() for name in ladder.activations},  # on test
            "best": ladder.best(cell, ladder.activations),  # on validation
        }
        for cell in rivals
    ]
    pairs = {f"{cell}: {rival}": (RELU, rival, cell) for cell, rival in rivals.items()}
    return differences(ladder, pairs, means=means)


def against_relu(results: Results, name: str, depth: int | None = None) -> Evidence:
    """ACT-5: an activation less ReLU in every cell in which anything trains, or at the longest budget of one depth."""
    ladder = Ladder.of(results)
    cells = by_budget(ladder.living)
    if depth is not None:
        cells = [cell for cell in by_budget(ladder.cells) if cell.depth == depth][-1:]
        if not cells:
            raise MissingResultError(f"ladder.protocol.depths: expected {depth} among them, which a reading is about")
    return differences(ladder, {str(cell): (name, RELU, cell) for cell in cells})


def deep(results: Results, least_depth: int, rivals: Sequence[str] | None = None) -> Evidence:
    """ACT-12: ReLU less each rival, or all others, in deep living cells; MissingResultError if no depth is such."""
    ladder = Ladder.of(results)
    if not any(cell.depth >= least_depth for cell in ladder.cells):
        raise MissingResultError(f"ladder.protocol.depths: expected one of {least_depth} or more, found none")
    cells = [cell for cell in by_budget(ladder.living) if cell.depth >= least_depth]
    names = others(ladder) if rivals is None else rivals
    return differences(ladder, {f"{cell}: {name}": (RELU, name, cell) for cell in cells for name in names})


def at_shortest(results: Results, rival: str) -> Evidence:
    """ACT-15: ReLU less a rival at the shortest budget, by depth."""
    ladder = Ladder.of(results)
    cells = [cell for cell in ladder.living if cell.budget == ladder.shortest]
    return differences(ladder, {str(cell): (RELU, rival, cell) for cell in cells})


def without_activation(results: Results) -> Evidence:
    """MLP-1, no activation at all: linear layers one upon the other less softmax regression, in every cell."""
    ladder = Ladder.of(results)
    cells = by_budget(ladder.cells)
    chosen = results.ladder(LINEAR, "chosen")
    edges = [f"softmax regression, {row.budget:g} epochs: at an edge" for row in chosen.itertuples() if row.at_edge]
    accuracies = [
        {
            "cell": str(cell),
            "linear": ladder.linear(cell.budget).mean(),
            **{name: ladder.scores(name, cell).mean() for name in ("identity", RELU)},
        }
        for cell in cells
    ]
    pairs = {str(cell): ("identity", LINEAR, cell) for cell in cells}
    return differences(ladder, pairs, edges, accuracies=accuracies)


def fewer_trained(results: Results, first: str, second: str) -> Evidence:
    """ACT-11: how many seeds train with one activation and with another, in every cell in which anything trains."""
    ladder = Ladder.of(results)
    cells, num_seeds = living(ladder), len(ladder.results.study.ladder.protocol.seeds)

    def counts(name: str, cell: Cell) -> tuple[int, int]:
        return ladder.num_trained(name, cell), len(ladder.scores(name, cell))

    shares = [
        {
            "cell": str(cell),
            "shares": {name: num / of for name in ladder.activations for num, of in [counts(name, cell)]},
        }
        for cell in by_budget(ladder.cells)
    ]
    samples: dict[str, Sample] = {
        str(cell): TwoCounts(counts(first, cell), counts(second, cell), least=LEAST_SEEDS) for cell in cells
    }
    # A network that diverges has not trained: that is what is counted here, and no fault.
    edges = edges_of(ladder, [(name, cell) for cell in cells for name in (first, second)])
    return Evidence(samples, num_seeds, {"shares": shares, "protocol": protocol_facts(ladder)}, edges)


def cause(results: Results) -> Evidence:
    """ACT-11, why: rank correlation of the predicted backward signal with what is learnt at the shortest budget.

    Over activations, depths and initialisers: what mean-field theory predicts to be left of the backward signal in the
    first hidden layer (at most all of it), and the validation accuracy at the best learning rate.
    """
    ladder = Ladder.of(results)
    table = signals(ladder)
    alike = [name for name in ("signal", "accuracy") if table[name].nunique() < 2]
    value = 0.0 if alike else float(table["signal"].rank().corr(table["accuracy"].rank()))
    facts = {"rows": table.to_dict("records"), "protocol": protocol_facts(ladder)}
    faults = tuple(f"{name}: the same in all {len(table)} cases, which leaves nothing to rank" for name in alike)
    return Evidence({"Spearman's rank correlation": Correlation(value, len(table))}, facts=facts, faults=faults)


def signals(ladder: Ladder) -> pd.DataFrame:
    """At the shortest budget: log10 signal and accuracy, by activation whose signal is predicted, depth and init."""
    ratios = ladder.results.experiment("signal_propagation", "ratios")
    per_layer = ratios.groupby(["activation", "init"])["predicted"].first()  # the same for every seed
    tuning, keys = ladder.table("tuning"), ["activation", "depth", "init"]
    means = tuning[tuning["budget"] == ladder.shortest].groupby([*keys, "lr"])["validation_accuracy"].mean()
    table = means.groupby(keys).max().rename("accuracy").reset_index()
    table = table[table["activation"].isin(set(ratios["activation"]))].reset_index(drop=True)
    table["signal"] = [
        (depth - 1) * math.log10(min(1.0, per_layer[activation, drawn_by(init, activation)]))
        for activation, depth, init in table[keys].itertuples(index=False)
    ]
    return table


def drawn_by(init: str, activation: str) -> str:
    """The initialiser an activation was drawn by: "matching" as `training.networks` has it, which imports torch."""
    matching = "xavier" if activation in ("identity", "sigmoid", "tanh") else "he"
    return matching if init == "matching" else init


def policy_reached(results: Results, name: str) -> Evidence:
    """ACT-16: what a policy gains on trying all activations (mostly less than 0), by seed, on average over the cells.

    It is judged by what it reaches: a training that diverged counts with an accuracy of 0, and is no fault.
    """
    ladder = Ladder.of(results)
    cells = living(ladder)
    by_seed = ladder.regrets().groupby("seed").mean().drop(columns=["depth", "budget"])  # a column a policy
    return Evidence(
        per_seed({f"{name} less trying all": (-by_seed[name]).tolist()}),
        num_seeds=len(by_seed),
        facts={
            "protocol": protocol_facts(ladder),
            "needing": [str(cell) for cell in cells if ladder.relu_first(cell) != RELU],
        },
        faults=edges_of(ladder, [(each, cell) for each in ladder.activations for cell in ladder.living]),
        aside=per_seed({str(each): by_seed[each].tolist() for each in by_seed}),
    )
