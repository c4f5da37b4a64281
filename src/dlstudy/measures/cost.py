"""Measures of what activations cost: by themselves (ACT-13) and as a part of a training (ACT-14).

They depend on wall-clock time: stage cost_report judges them, and no deterministic result depends on them. Samples are
an activation's time over that of ReLU in the same round.
"""

from typing import Any, Final

import pandas as pd

from dlstudy.experiments.activation_cost.params import DEEP
from dlstudy.judging.evidence import Evidence, PerRound, Sample
from dlstudy.study.results import TIMING, MissingResultError, Results

EXPERIMENT: Final = "activation_cost"
FOLDER: Final = f"{TIMING}/{EXPERIMENT}"
YARDSTICK: Final = "relu"


def over_relu(table: pd.DataFrame, cells: list[str], time: str) -> pd.DataFrame:
    """The table with a column more: `ratio`, the time over that of ReLU in the same round and cell."""
    keys = ["round", *cells]
    relu = table.loc[table["activation"] == YARDSTICK, [*keys, time]]
    paired = table.merge(relu, on=keys, suffixes=("", "_relu"), how="left", validate="many_to_one")
    if paired[f"{time}_relu"].isna().any():
        raise MissingResultError(f"{FOLDER}: expected {YARDSTICK} in every round, found none in some; run `dvc repro`")
    return paired.assign(ratio=paired[time] / paired[f"{time}_relu"]).drop(columns=f"{time}_relu")


def kernels(results: Results) -> pd.DataFrame:
    """One row per round, side, part and activation, with the ratio."""
    return over_relu(results.timing(EXPERIMENT, "kernels"), ["side", "part"], "microseconds")


def epochs(results: Results) -> pd.DataFrame:
    """One row per round, network and activation, with the ratio."""
    return over_relu(results.timing(EXPERIMENT, "epochs"), ["network"], "seconds")


def samples_of(table: pd.DataFrame, activation: str, condition: str) -> dict[str, Sample]:
    """The ratios of an activation, one per round, by a column of conditions; MissingResultError if there are none."""
    rows = table[table["activation"] == activation]
    if rows.empty:
        raise MissingResultError(f"{FOLDER}: expected times of {activation}, found none; run `dvc repro`")
    by_condition = rows.groupby(condition, sort=False)["ratio"]
    return {f"{condition} {name}": PerRound(tuple(ratios)) for name, ratios in by_condition}


def timed(results: Results, samples: dict[str, Sample], table: pd.DataFrame, cells: list[str], time: str) -> Evidence:
    """Samples with what the page says besides: in every cell that was timed ReLU's median, and the ratios of others."""
    rows: list[dict[str, Any]] = []
    aside: dict[str, Sample] = {}  # "forward 64, tanh"
    for key, of_cell in table.groupby(cells, sort=False):
        relu, name = of_cell["activation"] == YARDSTICK, " ".join(map(str, key))
        others = of_cell[~relu].groupby("activation", sort=False)["ratio"]
        cell = dict(zip(cells, key, strict=True)) | {"name": name, "relu": of_cell.loc[relu, time].median()}
        rows.append({**cell, "others": [activation for activation, _ in others]})
        aside |= {f"{name}, {activation}": PerRound(tuple(ratios)) for activation, ratios in others}
    protocol = results.study.experiments.activation_cost.model_dump()
    return Evidence(samples, facts={"rows": rows, "protocol": protocol}, aside=aside)


def kernel_ratios(results: Results, activation: str, part: str, place: str, *, table: bool = False) -> Evidence:
    """ACT-13, by itself: of one part ("forward", "forward_backward"), on tensors in "cache" or in "memory"."""
    params = results.study.experiments.activation_cost
    times = kernels(results)
    fits = times["side"] <= params.largest_in_cache if place == "cache" else times["side"] >= params.smallest_in_memory
    samples = samples_of(times[fits & (times["part"] == part)], activation, "side")
    return timed(results, samples, times, ["part", "side"], "microseconds") if table else Evidence(samples)


def epoch_ratios(results: Results, activation: str, depth: str, *, table: bool = False) -> Evidence:
    """ACT-14, in a training: whole epochs of networks that are "shallow", with one hidden layer, or "deep"."""
    times = epochs(results)
    fits = times["num_hidden"] == 1 if depth == "shallow" else times["num_hidden"] >= DEEP
    samples = samples_of(times[fits], activation, "network")
    return timed(results, samples, times, ["network"], "seconds") if table else Evidence(samples)
