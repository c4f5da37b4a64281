"""Measures of whose gradients vanish: sigmoid's (ACT-8), tanh's (ACT-9), ReLU's (ACT-10).

All are about networks as initialised, and about delta, the derivative of an image's loss by the pre-activations of a
hidden layer. The ratio is the factor by which its root mean square changes from a hidden layer to the one below it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from dlstudy.experiments.signal_propagation.params import CLAIMED_INITS
from dlstudy.judging.evidence import Evidence, per_seed
from dlstudy.literature.published import load_published
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "signal_propagation"


def ratios(results: Results, activation: str) -> pd.DataFrame:
    """The rows of one activation: a row an initialiser and seed."""
    table = results.experiment(EXPERIMENT, "ratios")
    rows = table[table["activation"] == activation]
    if missing := [init for init in CLAIMED_INITS if init not in set(rows["init"])]:
        file = f"results/experiments/{EXPERIMENT}/ratios.csv"
        raise MissingResultError(f"{file}: expected {activation} with {missing[0]}, found no row")
    return rows


def by_init(table: pd.DataFrame, values: "pd.Series[float]") -> dict[str, list[float]]:
    """The values under each initialiser, one per seed."""
    return {str(init): values.loc[rows.index].tolist() for init, rows in table.groupby("init", sort=False)}


def sizes(results: Results, activation: str, inits: Sequence[str] = CLAIMED_INITS) -> Evidence:
    """The measured ratio under some initialisations, and what the page says of all."""
    table = ratios(results, activation)
    samples = by_init(table, table["measured"])
    shown = {"rows": fact_rows(results, activation), "trainings": trainings(results, activation)}
    facts, num_seeds = results.experiment_facts(EXPERIMENT) | shown, int(table["seed"].nunique())
    return Evidence(per_seed({init: samples[init] for init in inits}), num_seeds=num_seeds, facts=facts)


def relu_sizes(results: Results, inits: Sequence[str]) -> Evidence:
    """The same of ReLU, with the shares of its dead units: by layer, during training, and published if comparable."""
    found = sizes(results, "relu", inits)
    tables = (results.experiment(EXPERIMENT, name) for name in ("dead", "training_dead"))
    dead, trained = (table.groupby("init", sort=False) for table in tables)
    published = load_published().beside(results.image_set().dataset).dead_units
    facts = {
        "dead": {str(init): rows.groupby("layer")["share"].mean().tolist() for init, rows in dead},
        "published_dead": list(published.shares) if published else [],
        "published_source": published.source if published else "",
        "published_protocol": published.protocol if published else "",
        "trained_dead": [
            {"init": str(init), "by_step": rows.groupby("step")["share"].mean().rename(str).to_dict()}
            for init, rows in trained
        ],
    }
    return replace(found, facts={**found.facts, **facts})


def fact_rows(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row per initialiser: ratios, what is left of the signals between the ends, and the gradients of the weights."""
    table, layers = ratios(results, activation), results.experiment(EXPERIMENT, "layers")
    gradients = results.experiment(EXPERIMENT, "weight_gradients")
    rows = []
    for init, values in by_init(table, table["measured"]).items():
        of_init = [each[(each["activation"] == activation) & (each["init"] == init)] for each in (layers, gradients)]
        by_layer, by_weight = (each.set_index("layer").sort_index() for each in of_init)
        backward, output = by_layer["backward"].tolist(), by_layer["output"].tolist()
        weights = by_weight["weight_gradient"].tolist()
        rows.append(
            {
                "init": init,
                "predicted": float(table.loc[table["init"] == init, "predicted"].iloc[0]),
                "mean": sum(values) / len(values),
                "low": min(values),
                "high": max(values),
                "backward_first": backward[0],
                "backward_last": backward[-1],
                "backward_left": backward[0] / backward[-1],
                "output_left": output[-1] / output[0],
                "weights_left": weights[0] / weights[-1],
            }
        )
    return rows


def agreement(results: Results, activation: str) -> Evidence:
    """Measured over predicted ratio, under every initialisation."""
    table = ratios(results, activation)
    samples = by_init(table, table["measured"] / table["predicted"])
    return Evidence(per_seed(samples), num_seeds=table["seed"].nunique())


def trainings(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row per initialiser: the mean loss and backward signal of the first hidden layer, before and after training."""
    losses, table = (results.experiment(EXPERIMENT, name) for name in ("training_loss", "training"))
    rows = []
    for init, of_init in table[table["activation"] == activation].groupby("init", sort=False):
        loss = losses[(losses["activation"] == activation) & (losses["init"] == init)].groupby("step")["loss"].mean()
        lowest = of_init[of_init["layer"] == of_init["layer"].min()].groupby("step")["backward"].mean()
        row = {"init": str(init), "loss_first": float(loss.iloc[0]), "loss_last": float(loss.iloc[-1])}
        rows.append(row | {"lowest_first": float(lowest.iloc[0]), "lowest_last": float(lowest.iloc[-1])})
    return rows
