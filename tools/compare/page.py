"""The page that compares experiments: what was changed, what came out, which verdicts moved."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from scipy import stats

from dlstudy.figures.style import COLOURS
from tools.compare.experiments import Experiment

CONFIDENCE: Final = 0.95
MOST_COLOURS: Final = 4
"""Experiments that a figure draws in colours of their own; the others are grey."""


class Difference(NamedTuple):
    """The score of a model less that of the baseline's: mean over paired seeds, with a 95 % t interval."""

    model: str
    unit: str
    score: float  # mean over the seeds
    estimate: float | None  # None where nothing can be paired
    low: float | None
    high: float | None
    num_pairs: int

    @property
    def words(self) -> str:
        if self.estimate is None:
            return "new, or no seed in common"
        if self.low is None:
            return f"{self.estimate:+.3g} (one seed)"
        return f"{self.estimate:+.3g} ({self.low:+.3g} to {self.high:+.3g}, {self.num_pairs} seeds)"


def differences(experiment: Experiment) -> list[Difference]:
    """Of every model whose test scores changed, in accuracy points or in the unit of its target."""
    found = []
    for model in experiment.revision.models:
        after, before = experiment.revision.test_scores(model), experiment.baseline.test_scores(model)
        if after is not None and (before is None or not after.equals(before)):
            found.append(difference(model, after, before))
    return found


def difference(model: str, after: "pd.Series[float]", before: "pd.Series[float] | None") -> Difference:
    points = after.name == "accuracy"
    unit, factor = ("accuracy points", 100) if points else ("of the target", 1)
    seeds = [] if before is None else [seed for seed in after.index if seed in before.index]
    if before is None or not seeds:
        return Difference(model, unit, factor * after.mean(), None, None, None, 0)
    paired = factor * (after.loc[seeds] - before.loc[seeds])
    if len(paired) < 2:
        return Difference(model, unit, factor * after.mean(), paired.mean(), None, None, len(paired))
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, len(paired) - 1) * paired.std(ddof=1) / math.sqrt(len(paired))
    mean = paired.mean()
    return Difference(model, unit, factor * after.mean(), mean, mean - reach, mean + reach, len(paired))


def curves(found: Sequence[Experiment]) -> dict[str, Figure]:
    """For each model of which an experiment changed the training: validation loss by epoch, overlaid."""
    models = sorted({model for each in found for model in each.revision.named("results/history", ".csv")})
    drawn = {}
    for model in models:
        path = f"results/history/{model}.csv"
        others = {each.name: each.revision.text(path) for each in found}
        own = found[-1].baseline.text(path)
        if any(text not in (None, own) for text in others.values()):
            tables = {name: found_in(each, path) for name, each in zip(others, found, strict=True)}
            baseline = found[-1].baseline.table(path)
            drawn[model] = overlay(
                model, baseline, {name: table for name, table in tables.items() if table is not None}
            )
    return drawn


def found_in(experiment: Experiment, path: str) -> pd.DataFrame | None:
    """The experiment's history, None if it is its baseline's."""
    same = experiment.revision.text(path) == experiment.baseline.text(path)
    return None if same else experiment.revision.table(path)


def overlay(model: str, baseline: pd.DataFrame | None, histories: dict[str, pd.DataFrame]) -> Figure:
    figure = Figure(figsize=(6.4, 3.6))
    axes = figure.subplots()
    if baseline is not None:
        means = baseline.groupby("epoch")["validation_loss"].mean()
        axes.plot(means.index, means, color="black", linewidth=2, label="baseline")
    for place, (name, history) in enumerate(histories.items()):
        means = history.groupby("epoch")["validation_loss"].mean()
        colour = COLOURS[place] if place < MOST_COLOURS else "#b0b0b0"
        axes.plot(means.index, means, color=colour, label=name if place < MOST_COLOURS else None)
    axes.set(xlabel="epoch", ylabel="validation loss, mean of the seeds", yscale="log", title=model)
    axes.legend()
    return figure


def value(content: Any) -> str:
    """A parameter, metric or verdict as the page shows it."""
    if content is None:
        return "–"  # noqa: RUF001 - an en dash is meant
    return f"{content:.5g}" if isinstance(content, float) else str(content)


def page(found: Sequence[Experiment], pictures: Sequence[str]) -> str:
    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters["value"] = value
    rows = [{"experiment": each, "differences": differences(each)} for each in found]
    return jinja.get_template("experiments.md.j2").render(rows=rows, pictures=pictures)
