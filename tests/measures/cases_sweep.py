"""Results for and against the measures `sweep` and `trainable`."""

from typing import Final

import pandas as pd

from dlstudy.study.params import load_study
from tests.measures.support import ROOT, Case, Tables

STUDY: Final = load_study(ROOT / "params.yaml")
NUM_SEEDS: Final = 10
NUM_IMAGES: Final = 64_000
LAST: Final = NUM_IMAGES // STUDY.sweep.protocol.batch_size


def cells():
    return [(depth, init) for init, depths in STUDY.sweep.protocol.cells.items() for depth in depths]


def swept(accuracy_of, *, step_of=lambda name: 100, at_edge=(), diverged=(), wobble=0.0002):
    """A sweep with the accuracy of each activation, depth and initialiser; a wobble of its own from seed to seed.

    step_of: the step at which an activation reaches the target, in every cell.
    """
    per_seed, looks, chosen = [], [], []
    for place, name in enumerate(STUDY.sweep.activations):
        for depth, init in cells():
            cell = {"activation": name, "depth": depth, "init": init}
            chosen.append(cell | {"lr": 0.1, "at_edge": (name, depth, init) in at_edge, "num_rates": 4})
            for seed in range(NUM_SEEDS):
                accuracy = accuracy_of(name, depth, init) + wobble * ((seed * (3 + place)) % 7)
                per_seed.append(
                    cell
                    | {"seed": seed, "lr": 0.1, "diverged": (name, depth, init) in diverged}
                    | {"validation_accuracy": accuracy, "test_accuracy": accuracy}
                )
                reached = step_of(name) + (seed * (3 + place)) % 7
                looks += [
                    cell | {"seed": seed, "step": step, "validation_accuracy": 0.9 if step >= reached else 0.5}
                    for step in range(10, LAST + 1, 10)
                ]
    tables = {"per_seed": per_seed, "looks": looks, "chosen": chosen}
    return Tables(
        sweeps={name: pd.DataFrame(rows) for name, rows in tables.items()},
        data_facts={"images": {"num_examples": {"train": NUM_IMAGES}}},
    )


ALIKE: Final = swept(lambda *cell: 0.85, wobble=0)
EQUAL: Final = swept(lambda *cell: 0.85)
RELU_WORST: Final = swept(lambda name, *_: 0.80 if name == "relu" else 0.85)
SIGMOID_BEST: Final = swept(lambda name, *_: 0.88 if name == "sigmoid" else 0.85)
SIGMOID_WORST: Final = swept(lambda name, *_: 0.82 if name == "sigmoid" else 0.85)
SIGMOID_FAILS_DEEP: Final = swept(lambda name, depth, _: 0.1 if name == "sigmoid" and depth > 4 else 0.85)
TANH_FAILS_DEEP: Final = swept(lambda name, depth, _: 0.1 if name == "tanh" and depth > 4 else 0.85)
RELU_FAILS_DEEP: Final = swept(lambda name, depth, _: 0.1 if name == "relu" and depth > 4 else 0.85)
RELU_FAST: Final = swept(lambda *cell: 0.86, step_of=lambda name: 100 if name == "relu" else 300)
RELU_SLOW: Final = swept(lambda *cell: 0.86, step_of=lambda name: 300 if name == "relu" else 100)

CASES: Final = {
    "ACT-2": Case(EQUAL, RELU_WORST),
    "ACT-5/usually": Case(SIGMOID_BEST, SIGMOID_WORST),
    "ACT-5/depth_1": Case(SIGMOID_BEST, SIGMOID_WORST),
    "ACT-5/depth_8": Case(SIGMOID_BEST, SIGMOID_FAILS_DEEP),
    "ACT-11/sigmoid": Case(SIGMOID_FAILS_DEEP, EQUAL, "inconclusive"),
    "ACT-11/tanh": Case(TANH_FAILS_DEEP, RELU_FAILS_DEEP, "inconclusive"),
    "ACT-11/relu": Case(RELU_FAILS_DEEP, EQUAL, "inconclusive"),
    "ACT-12/depth_4": Case(EQUAL, RELU_WORST),
    "ACT-12/depth_8": Case(EQUAL, RELU_FAILS_DEEP),
    "ACT-12/depth_16": Case(EQUAL, RELU_FAILS_DEEP),
    "ACT-15/sigmoid": Case(RELU_FAST, RELU_SLOW),
    "ACT-15/tanh": Case(RELU_FAST, RELU_SLOW),
    "ACT-16/start": Case(EQUAL, RELU_WORST),
    "ACT-16/others": Case(RELU_WORST, ALIKE),
}
