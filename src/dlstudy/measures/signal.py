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
from dlstudy.measures.samples import records
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "signal_propagation"


def rows_of(results: Results, table: str, activation: str) -> pd.DataFrame:
    found = results.experiment(EXPERIMENT, table)
    return found[found["activation"] == activation]


def ratios(results: Results, activation: str) -> pd.DataFrame:
    """A row for each initialiser and seed of one activation; MissingResultError where a claimed initialiser is none."""
    rows = rows_of(results, "ratios", activation)
    if missing := [init for init in CLAIMED_INITS if init not in set(rows["init"])]:
        file = f"results/experiments/{EXPERIMENT}/ratios.csv"
        raise MissingResultError(f"{file}: expected {activation} with {missing[0]}, found no row")
    return rows


def sizes(results: Results, activation: str, inits: Sequence[str] = CLAIMED_INITS) -> Evidence:
    """The measured ratio under some initialisations, and what the page says of all."""
    table = ratios(results, activation)
    samples = {init: table.loc[table["init"] == init, "measured"].tolist() for init in inits}
    shown = {"rows": fact_rows(results, activation), "trainings": trainings(results, activation)}
    facts = results.experiment_facts(EXPERIMENT) | shown
    return Evidence(per_seed(samples), num_seeds=table["seed"].nunique(), facts=facts)


def relu_sizes(results: Results, inits: Sequence[str]) -> Evidence:
    """The same of ReLU, with the shares of its dead units: by layer, during training, and published if comparable."""
    found = sizes(results, "relu", inits)
    tables = (results.experiment(EXPERIMENT, name) for name in ("dead", "training_dead"))
    dead, trained = (table.groupby("init", sort=False) for table in tables)
    published = load_published().beside(results.image_set().dataset).dead_units
    facts = {
        "dead": {init: rows.groupby("layer")["share"].mean().tolist() for init, rows in dead},
        "published_dead": list(published.shares) if published else [],
        "published_source": published.source if published else "",
        "published_protocol": published.protocol if published else "",
        "trained_dead": [
            {"init": init, "by_step": rows.groupby("step")["share"].mean().rename(str).to_dict()}
            for init, rows in trained
        ],
    }
    return replace(found, facts={**found.facts, **facts})


def fact_rows(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row per initialiser: ratios, what is left of the signals between the ends, and the gradients of the weights."""
    layers, gradients = (rows_of(results, name, activation) for name in ("layers", "weight_gradients"))
    rows = []
    for init, own in ratios(results, activation).groupby("init", sort=False):
        by_layer, by_weight = (each[each["init"] == init].sort_values("layer") for each in (layers, gradients))
        backward, output = by_layer["backward"].tolist(), by_layer["output"].tolist()
        weights = by_weight["weight_gradient"].tolist()
        rows.append(
            {
                "init": init,
                "predicted": own["predicted"].iloc[0],
                "mean": sum(own["measured"]) / len(own),
                "low": own["measured"].min(),
                "high": own["measured"].max(),
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
    by_init = (table["measured"] / table["predicted"]).groupby(table["init"], sort=False)
    return Evidence(per_seed({str(init): own.tolist() for init, own in by_init}), num_seeds=table["seed"].nunique())


def trainings(results: Results, activation: str) -> list[dict[str, Any]]:
    """A row per initialiser: the mean loss and backward signal of the first hidden layer, before and after training."""
    losses, table = (rows_of(results, name, activation) for name in ("training_loss", "training"))
    loss = losses.pivot_table("loss", "init", "step")  # (initialisers, steps): means over the seeds
    lowest = table[table["layer"] == table["layer"].min()].pivot_table("backward", "init", "step")
    ends = pd.DataFrame({"loss_first": loss.iloc[:, 0], "loss_last": loss.iloc[:, -1]})
    ends = ends.assign(lowest_first=lowest.iloc[:, 0], lowest_last=lowest.iloc[:, -1])
    return records(ends.loc[table["init"].unique()].reset_index())
