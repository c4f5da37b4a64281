"""Results for and against the measures of `outputs`."""

from typing import Final

import pandas as pd

from tests.measures.support import Case, Tables

NUM_SEEDS: Final = 10
BUDGETS: Final = (2.0, 8.0)
ACCURACIES: Final = {
    ("shallow", "identity"): 0.84,
    ("shallow", "softmax"): 0.87,
    ("shallow", "relu_logits"): 0.80,
    ("shallow", "one_vs_rest"): 0.87,
    ("shallow", "squared_error"): 0.85,
    ("shallow", "tanh"): 0.84,
    ("middle", "relu"): 0.86,
    ("middle", "sigmoid"): 0.80,
    ("middle", "sigmoid_first"): 0.85,
    ("middle", "sigmoid_last"): 0.88,
    ("middle", "alternating"): 0.84,
    ("deep", "plain"): 0.10,
    ("deep", "xavier4"): 0.10,
    ("deep", "batch_norm"): 0.86,
    ("deep", "adam"): 0.50,
}
FACTS: Final = {
    "budgets": list(BUDGETS),
    "width": 64,
    "batch_size": 64,
    "middle_depth": 4,
    "deep_depth": 8,
    "learning_rates": [0.0316, 0.1, 0.316],
    "adam_learning_rates": [0.001, 0.00316, 0.01],
    "tuning_seeds": [100, 101],
    "num_seeds": NUM_SEEDS,
    "reached": 0.8,
    "num_examples": {"train": 50_000, "validation": 10_000, "test": 10_000},
    "num_classes": 10,
    "mixtures": {name: ["relu"] for name in ("relu", "sigmoid", "sigmoid_first", "sigmoid_last", "alternating")},
    "price": {"hidden": [16], "batch_size": 64, "num_epochs": 20, "num_examples": {"train": 1758}}
    | {"features": ["area (square feet)", "age (years)"], "tuning_seeds": [100]},
}


def at_every_budget(accuracies, at_longest):
    """By network, variant and budget: the accuracies, at the longest budget with some changes."""
    return {
        (*cell, budget): at_longest.get(cell, value) if budget == BUDGETS[-1] else value
        for cell, value in accuracies.items()
        for budget in BUDGETS
        if budget == BUDGETS[0] or cell[0] != "deep" or cell[1] == "plain"
    }


def named(cell):
    return dict(zip(("network", "variant", "budget"), cell, strict=True))


def per_seed_of(accuracies, diverged=()):
    """Each accuracy wobbles a little from seed to seed, in its own way."""
    rows = []
    for number, (cell, accuracy) in enumerate(accuracies.items()):
        for seed in range(NUM_SEEDS):
            lost = (*cell, seed) in diverged
            found = 0.0 if lost else accuracy + 0.0001 * ((seed * (3 + number)) % 7)
            scores = {"validation_accuracy": found, "test_accuracy": found}
            rows.append(named(cell) | {"seed": seed, "diverged": lost} | scores)
    return pd.DataFrame(rows)


def tuned(accuracies, at_edge=()):
    chosen = [
        named(cell) | {"lr": 0.1, "at_edge": cell in at_edge, "validation_accuracy": value}
        for cell, value in accuracies.items()
    ]
    return pd.DataFrame(chosen)


def prices(relu=50_000.0, linear=50_000.0, lost=()):
    levels = {("identity", "mean"): linear, ("relu", "mean"): relu, ("relu", "zero"): 190_000.0}
    return pd.DataFrame(
        [
            {"output": output, "start": start, "seed": seed, "diverged": (output, seed) in lost}
            | {"rmse": 0.0 if (output, seed) in lost else level + 10 * ((3 * seed + len(output)) % 7), "r2": 0.7}
            | {"share_zero": float(start == "zero")}
            for (output, start), level in levels.items()
            for seed in range(NUM_SEEDS)
        ]
    )


def results(
    changes=None,
    *,
    at_longest=None,
    at_edge=(),
    diverged=(),
    collapse=1e-15,
    num_other=0,
    num_dead=1,
    num_lost=0,
    price=None,
    price_at_edge=False,
):
    accuracies = at_every_budget(ACCURACIES | (changes or {}), at_longest or {})
    seeds = range(NUM_SEEDS)
    logits = [
        named(("shallow", variant, budget))
        | {"seed": seed, "num_never_predicted": num_lost, "share_silent": 0.01}
        | {"num_dead": num_dead if variant == "relu_logits" and seed == 4 else 0}
        for variant in ("softmax", "relu_logits", "one_vs_rest")
        for budget in BUDGETS
        for seed in seeds
    ]
    price_trials = [
        {"output": output, "lr": lr, "seed": 100, "explained_variance": value, "diverged": False}
        for output in ("identity", "relu")
        for lr, value in ((0.01, 0.6), (0.1, 0.7), (1.0, 0.0 if output == "relu" else 0.5))
    ]
    rates = [{"output": output, "lr": 0.1, "at_edge": price_at_edge} for output in ("identity", "relu")]
    tables = {
        "per_seed": per_seed_of(accuracies, diverged),
        "chosen": tuned(accuracies, at_edge),
        "collapse": pd.DataFrame(
            [{"seed": seed, "relative_difference": collapse, "num_other_classes": num_other} for seed in seeds]
        ),
        "logits": pd.DataFrame(logits),
        "price_per_seed": prices() if price is None else price,
        "price_chosen": pd.DataFrame(rates),
        "price_tuning": pd.DataFrame(price_trials),
    }
    return Tables(
        experiments={("activation_outputs", name): table for name, table in tables.items()},
        facts_of={"activation_outputs": FACTS},
    )


SUPPORTING: Final = results()
NONE_RESCUED: Final = results(dict.fromkeys([("deep", "batch_norm"), ("deep", "adam")], 0.1))
POOR_MIXTURES: Final = results(
    {("middle", "sigmoid_last"): 0.79, ("middle", "sigmoid_first"): 0.79} | {("middle", "alternating"): 0.78}
)

CASES: Final = {
    "MLP-1/collapse": Case(SUPPORTING, results(num_other=1)),
    "MLP-1/needed": Case(SUPPORTING, results({("shallow", "softmax"): 0.84})),
    "ACT-3/literal": Case(results(price=prices(relu=60_000.0)), SUPPORTING),
    "ACT-4/accuracy": Case(SUPPORTING, results({("shallow", "relu_logits"): 0.87})),
    "ACT-4/dead": Case(SUPPORTING, results(num_dead=0), "inconclusive"),
    "ACT-6/better": Case(results({("shallow", "one_vs_rest"): 0.88}), SUPPORTING),
    "ACT-6/linear": Case(SUPPORTING, results({("shallow", "squared_error"): 0.87})),
    "ACT-6/tanh": Case(SUPPORTING, results({("shallow", "tanh"): 0.88})),
    "ACT-6/equivalent": Case(SUPPORTING, results({("shallow", "one_vs_rest"): 0.88})),
    "ACT-7/better": Case(SUPPORTING, POOR_MIXTURES),
    "ACT-7/not_worse": Case(SUPPORTING, POOR_MIXTURES),
    "ACT-7/over_sigmoid": Case(SUPPORTING, POOR_MIXTURES),
    "ACT-11/rescued": Case(SUPPORTING, NONE_RESCUED, "inconclusive"),
}
