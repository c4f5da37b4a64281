"""Results for and against the measures of `ladder`."""

from typing import Final

import pandas as pd

from dlstudy.study.ladder import AGAIN, LINEAR, RELU
from tests.committed import committed_study
from tests.measures.support import Case, Tables

STUDY: Final = committed_study()
PROTOCOL: Final = STUDY.ladder.protocol
SHORTEST, LONGEST = PROTOCOL.budgets[0], PROTOCOL.budgets[-1]


def trained(name, place, accuracy_of, depths):
    """The table per_seed of an activation: a wobble of its own from seed to seed."""
    return pd.DataFrame(
        [
            {"activation": name, "depth": depth, "budget": budget, "seed": seed, "diverged": False}
            | dict.fromkeys(
                ("validation_accuracy", "test_accuracy"),
                accuracy_of(name, depth, budget) + 0.0002 * ((number * (3 + place)) % 7),
            )
            for depth in depths
            for budget in (PROTOCOL.budgets if depth == 0 else PROTOCOL.budgets_of(depth))
            for number, seed in enumerate(PROTOCOL.seeds)
        ]
    )


def climbed(accuracy_of, *, at_edge=(), again=lambda depth, budget: 0.0, learns=lambda signal: signal):
    """A ladder with the accuracy of each activation, depth and budget.

    again: by how much ReLU as its own rival differs from ReLU. learns: from a predicted signal to the accuracy of
    tuning at the shortest budget.
    """
    tables, ratios = {}, []
    for place, name in enumerate(STUDY.ladder.activations):
        per_seed = trained(name, place, accuracy_of, PROTOCOL.depths)
        tables[name, "per_seed"] = per_seed
        tables[name, "chosen"] = chosen_of(per_seed, at_edge=name in at_edge)
        ratio = (1 + place) / 10
        ratios += [{"activation": name, "init": init, "predicted": ratio} for init in ("pytorch", "xavier", "he")]
        tables[name, "tuning"] = pd.DataFrame(
            [
                {"activation": name, "depth": depth, "budget": SHORTEST, "init": init, "lr": 0.1, "seed": 100}
                | {"validation_accuracy": learns(ratio ** (depth - 1))}
                for depth in PROTOCOL.depths
                for init in PROTOCOL.inits
            ]
        )
    relu = tables[RELU, "per_seed"]
    tables[AGAIN, "per_seed"] = relu.assign(
        test_accuracy=[
            row.test_accuracy - again(row.depth, row.budget) + 0.0003 * (row.seed % 3) for row in relu.itertuples()
        ]
    )
    linear = trained("identity", 1, lambda *_: accuracy_of("softmax", 0, 0), [0])
    tables |= {(LINEAR, "per_seed"): linear, (LINEAR, "chosen"): chosen_of(linear, at_edge=False)}
    return Tables(ladders=tables, experiments={("signal_propagation", "ratios"): pd.DataFrame(ratios)})


def chosen_of(per_seed, *, at_edge):
    cells = per_seed[["activation", "depth", "budget"]].drop_duplicates()
    return cells.assign(init="matching", lr=0.1, at_edge=at_edge)


def only(name, accuracy, others=0.85):
    """That of one activation, and that of all others."""
    return climbed(lambda each, *_: accuracy if each == name else others)


def where(name, accuracy, condition, others=0.85):
    """Likewise, where a condition of depth and budget holds."""
    return climbed(lambda each, *cell: accuracy if each == name and condition(*cell) else others)


def deep(depth, budget):
    return depth > 4


def long(depth, budget):
    return budget == LONGEST


EQUAL: Final = climbed(lambda *_: 0.85)
RELU_BEST: Final = only("relu", 0.87)
RELU_WORST: Final = only("relu", 0.83)
RELU_WORST_BUT_BEYOND_LINEAR: Final = climbed(lambda name, *_: {"relu": 0.83, "softmax": 0.81}.get(name, 0.85))
SIGMOID_BEST: Final = only("sigmoid", 0.88)
SIGMOID_WORST: Final = only("sigmoid", 0.82)
SIGMOID_FAILS_DEEP: Final = where("sigmoid", 0.1, deep)
SIGMOID_BEST_WHEN_LONG: Final = where("sigmoid", 0.88, long)
TANH_FAILS_DEEP: Final = where("tanh", 0.1, deep)
RELU_FAILS_DEEP: Final = where("relu", 0.1, deep)
LINEAR_ALIKE: Final = climbed(lambda name, *_: 0.84 if name in ("identity", "softmax") else 0.87)
LINEAR_WORSE: Final = climbed(lambda name, *_: {"identity": 0.82, "softmax": 0.84}.get(name, 0.87))

CASES: Final = {
    "MLP-1/accuracy": Case(LINEAR_ALIKE, LINEAR_WORSE),
    "ACT-2": Case(EQUAL, RELU_WORST),
    "ACT-5/usually": Case(SIGMOID_BEST, SIGMOID_BEST_WHEN_LONG, "depends"),
    "ACT-5/depth_1": Case(SIGMOID_BEST, SIGMOID_WORST),
    "ACT-5/depth_8": Case(SIGMOID_BEST, SIGMOID_FAILS_DEEP),
    "ACT-11/sigmoid": Case(SIGMOID_FAILS_DEEP, EQUAL, "inconclusive"),
    "ACT-11/tanh": Case(TANH_FAILS_DEEP, RELU_FAILS_DEEP, "inconclusive"),
    "ACT-11/relu": Case(RELU_FAILS_DEEP, EQUAL, "inconclusive"),
    "ACT-11/cause": Case(EQUAL, climbed(lambda *_: 0.85, learns=lambda signal: 1 - signal)),
    "ACT-12/rivals": Case(RELU_BEST, RELU_WORST),
    "ACT-12/all": Case(RELU_BEST, EQUAL),
    "ACT-15/sigmoid": Case(RELU_BEST, RELU_WORST),
    "ACT-15/tanh": Case(RELU_BEST, EQUAL),
    "ACT-16/policy": Case(EQUAL, RELU_WORST_BUT_BEYOND_LINEAR),
    "ACT-16/always": Case(EQUAL, RELU_WORST),
}
