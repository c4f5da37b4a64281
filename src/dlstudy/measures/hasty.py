"""What a hasty comparison of activations shows, and what a fair one: where the folklore comes from."""

from typing import Final

import pandas as pd

from dlstudy.measures.sweep import by_seed, cells_of
from dlstudy.study.results import Results

INIT: Final = "pytorch"  # nobody asked for another
RATE: Final = 0.1  # the textbook's


def hasty(results: Results) -> pd.DataFrame:
    """Validation accuracy of the first tuning seed at one learning rate, under PyTorch's default initialisation."""
    tuning = results.sweep("tuning")
    protocol = results.study.sweep.protocol
    rate = min(protocol.learning_rates, key=lambda lr: abs(lr - RATE))
    rows = tuning[(tuning["init"] == INIT) & (tuning["lr"] == rate) & (tuning["seed"] == protocol.tuning_seeds[0])]
    return rows.rename(columns={"validation_accuracy": "accuracy"})[["activation", "depth", "accuracy", "lr", "seed"]]


def fair(results: Results) -> pd.DataFrame:
    """Validation accuracy by activation and depth: mean of all seeds, under the better of the initialisations."""
    rows = [
        {
            "activation": name,
            "depth": cell.depth,
            "accuracy": float(by_seed(results, name, cell, "validation_accuracy").mean()),
            "init": cell.init,
        }
        for name in results.study.sweep.activations
        for cell in cells_of(results)
    ]
    table = pd.DataFrame(rows)
    return table.loc[table.groupby(["activation", "depth"], sort=False)["accuracy"].idxmax()].reset_index(drop=True)
