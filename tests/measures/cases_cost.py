"""Times for and against the claims of what activations cost."""

from itertools import product

import pandas as pd

from tests.measures.support import Case, Tables

EXPERIMENT = "activation_cost"
ROUNDS = range(1, 12)
SIDES = (64, 128, 256, 1024, 4096)  # as params.yaml has them: in cache up to 256, in memory from 4096
NETWORKS = {"128": 1, "256": 1, "8 x 128": 8}
OTHERS = {"relu": 1.0, "sigmoid": 1.5, "tanh": 1.5, "gelu": 1.5}


def spread(round_, width=0.05):
    """A factor that the rounds spread evenly about 1, by `width` to either side."""
    return 1 + width * (2 * (round_ - 1) / (len(ROUNDS) - 1) - 1)


def slow(round_):
    """A machine that is three times as slow in some rounds: what is paired does not notice."""
    return 3 if round_ % 4 == 0 else 1


def kernels(activation, part, ratios, width=0.05):
    """Times of which one activation has these ratios at these sides in one part."""
    rows = []
    for side, round_, of_part, name in product(SIDES, ROUNDS, ("forward", "forward_backward"), OTHERS):
        ratio = ratios.get(side, 1.5) if (name, of_part) == (activation, part) else OTHERS[name]
        noise = 1 if name == "relu" else spread(round_, width)
        rows.append((round_, side, of_part, name, side * slow(round_) * ratio * noise))
    table = pd.DataFrame(rows, columns=["round", "side", "part", "activation", "microseconds"])
    return Tables(timings={(EXPERIMENT, "kernels"): table})


def epochs(activation, ratios, width=0.02):
    """Times of which one activation has these ratios in these networks."""
    rows = []
    for round_, network, name in product(ROUNDS, NETWORKS, OTHERS):
        ratio = ratios.get(network, 1.0) if name == activation else 1.0
        noise = 1 if name == "relu" else spread(round_, width)
        rows.append((round_, network, NETWORKS[network], name, slow(round_) * ratio * noise))
    table = pd.DataFrame(rows, columns=["round", "network", "num_hidden", "activation", "seconds"])
    return Tables(timings={(EXPERIMENT, "epochs"): table})


def of_kernels(activation, part):
    """In cache one size of three is enough to refute; in memory there is one."""
    name = "forward" if part == "forward" else "training"
    return {
        f"ACT-13/{activation}-{name}-cache": Case(
            kernels(activation, part, {64: 2.5, 128: 3, 256: 5, 4096: 1.1}),
            kernels(activation, part, {64: 1.4, 128: 3, 256: 5, 4096: 9}),
        ),
        f"ACT-13/{activation}-{name}-memory": Case(
            kernels(activation, part, {64: 1.0, 4096: 2.5}),
            kernels(activation, part, {64: 9, 4096: 2.01}),
            "inconclusive",
        ),
    }


def of_epochs(activation):
    return {
        f"ACT-14/{activation}-shallow": Case(
            epochs(activation, {"128": 1.2, "256": 1.15, "8 x 128": 0.9}), epochs(activation, {"128": 1.2, "256": 1.03})
        ),
        f"ACT-14/{activation}-deep": Case(
            epochs(activation, {"8 x 128": 1.2}), epochs(activation, {"128": 1.5, "256": 1.5, "8 x 128": 1.05})
        ),
    }


CASES = {}
for one in ("sigmoid", "tanh"):
    CASES |= of_kernels(one, "forward") | of_kernels(one, "forward_backward") | of_epochs(one)
