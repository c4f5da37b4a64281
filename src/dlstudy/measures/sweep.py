"""Measures of which activation to choose, from the sweep over activations, depths and initialisations.

Of ACT-2, ACT-5, ACT-12, ACT-15 and ACT-16; what trains at all (ACT-11) is in `trainable`. A cell is a number of
hidden layers with an initialisation; in each, every activation has its own learning rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import pandas as pd

from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.judging.statistics import paired_differences
from dlstudy.measures.losses import POINTS
from dlstudy.study.results import MissingResultError, Results

RELU: Final = "relu"
FOLDER: Final = "results/sweep"
FASTER_DEPTHS: Final = (1, 2, 4)  # where most activations get to the target


class Cell(NamedTuple):
    depth: int
    init: str

    def __str__(self) -> str:
        return f"{self.depth} hidden {'layer' if self.depth == 1 else 'layers'}, {self.init}"


# --- Evidence ---


def cells_of(results: Results) -> list[Cell]:
    """Every cell of the sweep, by initialiser and depth."""
    return [Cell(depth, init) for init, depths in results.study.sweep.protocol.cells.items() for depth in depths]


def rows_of(results: Results, table: str, activation: str, cell: Cell) -> pd.DataFrame:
    """The rows of one activation in one cell; MissingResultError if there are none."""
    found = results.sweep_cells(table).get((activation, cell.depth, cell.init))
    if found is None:
        raise MissingResultError(f"{FOLDER}/{activation}: expected rows of {cell}, found none")
    return found


def by_seed(results: Results, activation: str, cell: Cell, column: str = "test_accuracy") -> "pd.Series[float]":
    return rows_of(results, "per_seed", activation, cell).set_index("seed")[column]


def edges_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """Learning rates at an end of those tried: a better one may lie beyond."""
    return tuple(
        f"{activation}, {cell}: its best learning rate lies at an end of those tried"
        for activation in activations
        for cell in cells
        if rows_of(results, "chosen", activation, cell)["at_edge"].any()
    )


def diverged_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """Trainings that diverged. Their accuracy counts as 0: what diverges is the best of nothing."""
    return tuple(
        f"{activation}, {cell}, seed {row['seed']}: diverged"
        for activation in activations
        for cell in cells
        for row in rows_of(results, "per_seed", activation, cell).to_dict("records")
        if row["diverged"]
    )


def faults_of(results: Results, activations: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
    """What keeps the activations from being compared with each other in the cells."""
    return edges_of(results, activations, cells) + diverged_of(results, activations, cells)


def points(results: Results, first: str, second: str, cell: Cell) -> list[float]:
    """By seed: test accuracy of the first less that of the second, in points."""
    differences = paired_differences(by_seed(results, first, cell), by_seed(results, second, cell))
    return (POINTS * differences).tolist()


def others(results: Results) -> list[str]:
    return [name for name in results.study.sweep.activations if name != RELU]


def best_on_validation(results: Results, cell: Cell, among: Sequence[str]) -> str:
    """The activation with the highest validation accuracy on average over the seeds; of equal ones the first."""
    return max(among, key=lambda name: by_seed(results, name, cell, "validation_accuracy").mean())


def protocol_facts(results: Results) -> dict[str, Any]:
    protocol = results.study.sweep.protocol
    return {
        **protocol.model_dump(),
        **results.study.sweep.thresholds.model_dump(),
        "num_seeds": len(results.study.seeds),
        "activations": results.study.sweep.activations,
    }


def mean_table(results: Results) -> list[dict[str, Any]]:
    """A row a cell: mean test accuracy of every activation, and which has the highest validation accuracy."""
    activations = results.study.sweep.activations
    return [
        {
            "cell": str(cell),
            "depth": cell.depth,
            "init": cell.init,
            "means": {name: float(by_seed(results, name, cell).mean()) for name in activations},
            "best": best_on_validation(results, cell, activations),
        }
        for cell in cells_of(results)
    ]


def evidence(
    results: Results, samples: Mapping[str, Sequence[float]], faults: tuple[str, ...], **facts: Any
) -> Evidence:
    """Paired differences by condition, with the protocol."""
    return Evidence(
        per_seed(samples),
        num_seeds=len(next(iter(samples.values()))),
        facts={"protocol": protocol_facts(results), **facts},
        faults=faults,
    )


def relu_against_best(results: Results) -> Evidence:
    """ReLU less the other that is best on validation, in every cell."""
    rivals = {cell: best_on_validation(results, cell, others(results)) for cell in cells_of(results)}
    samples = {f"{cell}: {rival}": points(results, RELU, rival, cell) for cell, rival in rivals.items()}
    faults = edges_of(results, results.study.sweep.activations, cells_of(results))  # any might be the best one
    faults += tuple(fault for cell, rival in rivals.items() for fault in diverged_of(results, (RELU, rival), (cell,)))
    return evidence(results, samples, faults, means=mean_table(results))


def sigmoid_against_relu(results: Results, depth: int | None = None) -> Evidence:
    """Sigmoid less ReLU, in every cell, or with one number of hidden layers and the initialisation made for each."""
    chosen = cells_of(results) if depth is None else [Cell(depth, "matching")]
    samples = {str(cell): points(results, "sigmoid", RELU, cell) for cell in chosen}
    return evidence(results, samples, faults_of(results, ("sigmoid", RELU), chosen))


def relu_against_every_rival(results: Results, depth: int) -> Evidence:
    cell = Cell(depth, "matching")
    samples = {name: points(results, RELU, name, cell) for name in others(results)}
    return evidence(results, samples, faults_of(results, results.study.sweep.activations, (cell,)))


def steps_to_target(results: Results, activation: str, cell: Cell) -> "pd.Series[float]":
    """By seed: the first look at which the target is reached; the end of training where it is not."""
    looks = rows_of(results, "looks", activation, cell)
    last = num_steps(results)
    reached = looks[looks["validation_accuracy"] >= results.study.sweep.thresholds.target].groupby("seed")["step"].min()
    return reached.reindex(sorted(looks["seed"].unique()), fill_value=last).astype(float)


def num_steps(results: Results) -> int:
    """Of a whole training: the last look is when it is over."""
    return int(results.sweep("looks")["step"].max())


def steps_against(results: Results, rival: str) -> Evidence:
    """By seed: steps of ReLU less those of the rival, on average over the depths, in percent of a training."""
    cells = [Cell(depth, "matching") for depth in FASTER_DEPTHS if Cell(depth, "matching") in cells_of(results)]
    sides = {
        name: pd.concat([steps_to_target(results, name, cell) for cell in cells], axis=1) for name in (RELU, rival)
    }
    percent = {name: 100 * table.mean(axis=1) / num_steps(results) for name, table in sides.items()}
    differences = paired_differences(percent[RELU], percent[rival]).tolist()
    by_depth = [
        {
            "cell": str(cell),
            **{
                side: {
                    "steps": float(table.iloc[:, place].mean()),
                    "reached": int((table.iloc[:, place] < num_steps(results)).sum()),
                }
                for side, table in zip(("relu", "rival"), sides.values(), strict=True)
            },
        }
        for place, cell in enumerate(cells)
    ]
    return evidence(
        results,
        {f"relu - {rival}": differences},
        faults_of(results, (RELU, rival), cells),
        rival=rival,
        by_depth=by_depth,
        num_steps=num_steps(results),
    )


# --- Policies ---


def policy_accuracies(results: Results) -> pd.DataFrame:
    """A row a seed and cell: test accuracy of every activation, and of the one with the best validation accuracy."""
    frames = []
    for cell in cells_of(results):
        names = results.study.sweep.activations
        test, validation = (
            pd.DataFrame({name: by_seed(results, name, cell, column) for name in names})
            for column in ("test_accuracy", "validation_accuracy")
        )
        chosen = validation.idxmax(axis=1)
        test["best on validation"] = [test.loc[seed, chosen[seed]] for seed in test.index]
        frames.append(test.assign(depth=cell.depth, init=cell.init))
    return pd.concat(frames).rename_axis("seed").reset_index()


def regrets(results: Results) -> pd.DataFrame:
    """A row a seed: points that "always X" loses to the best on validation, on average over the cells, by X."""
    table = policy_accuracies(results)
    means = table.drop(columns=["depth", "init"]).groupby("seed").mean()
    return POINTS * means.rsub(means["best on validation"], axis=0).drop(columns="best on validation")


def policy(results: Results) -> Evidence:
    """By seed: the best on validation less ReLU always, on average over the cells."""
    table = regrets(results)
    edges = edges_of(results, results.study.sweep.activations, cells_of(results))
    faults = edges + diverged_of(results, (RELU,), cells_of(results))
    found = evidence(results, {"": table[RELU].tolist()}, faults, num_cells=len(cells_of(results)))
    ordered = table[table.mean().sort_values().index]
    return replace(found, aside=per_seed({str(name): ordered[name].tolist() for name in ordered}))


def relu_against_choice(results: Results) -> Evidence:
    """The negative of `policy`: ReLU always less the best on validation."""
    found = policy(results)
    return replace(found, samples=per_seed({"": [-value for value in regrets(results)[RELU]]}))
