"""The page that compares experiments: what was changed, what came out, which verdicts moved."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from scipy import stats

from dlstudy.figures.style import CLOUD, COLOURS, key_above, new
from dlstudy.report.words import ANSWER
from tools.compare.experiments import Experiment, score_table

CONFIDENCE: Final = 0.95
WIDTHS: Final = (20, 52, 58, 24)
"""Of the columns of the table in the terminal, in characters."""

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
    """Of every model whose validation scores changed, in accuracy points or in the unit of its target."""
    found = []
    for model in experiment.revision.models:
        if experiment.same(score_table(model)):
            continue
        after, before = experiment.revision.scores(model), experiment.baseline.scores(model)
        if after is not None:
            found.append(difference(model, after, before))
    return found


def difference(model: str, after: "pd.Series[float]", before: "pd.Series[float] | None") -> Difference:
    points = after.name == "accuracy"
    unit, factor = ("accuracy points", 100) if points else ("in the target's unit", 1)
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
    drawn = {}
    for model in sorted({model for each in found for model in each.revision.named("results/history", ".csv")}):
        path = f"results/history/{model}.csv"
        others = {each.name: each.revision.table(path) for each in found if not each.same(path)}
        found_losses = {name: mean_losses(table) for name, table in others.items() if table is not None}
        losses = {name: values for name, values in found_losses.items() if len(values) > 1}  # a solution has no curve
        if losses:
            baseline = found[-1].baseline.table(path)
            drawn[model] = overlay(model, None if baseline is None else mean_losses(baseline), losses)
    return drawn


def mean_losses(history: pd.DataFrame) -> "pd.Series[float]":
    """Validation loss by epoch, mean of the seeds."""
    return history.groupby("epoch")["validation_loss"].mean()


def overlay(model: str, baseline: "pd.Series[float] | None", losses: Mapping[str, "pd.Series[float]"]) -> Figure:
    """The baseline in black; the experiments that end lowest in colours of their own, the others in grey."""
    figure, axes = new(3.4)
    best = sorted(losses, key=lambda name: losses[name].iloc[-1])[:MOST_COLOURS]
    for name in sorted(losses, key=lambda name: name in best):  # grey lines below the others
        colour = COLOURS[best.index(name)] if name in best else CLOUD
        axes.plot(losses[name], color=colour, label=name if name in best else None)
    if baseline is not None:
        axes.plot(baseline, color="black", linewidth=2, label="baseline")
    axes.set(xlabel="epoch", ylabel="validation loss", yscale="log", title=model)
    return key_above(figure, 2)


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
    return jinja.get_template("experiments.md.j2").render(rows=rows, pictures=pictures, words=ANSWER["en"])


def lines(found: Sequence[Experiment]) -> list[str]:
    """A line for each experiment, of at most 160 characters: what was changed, what came of it, what moved."""
    head = [("experiment", "changed", "validation score, change (95 % interval)", "verdicts moved")] if found else []
    return [
        "  ".join(_fitted(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()
        for cells in [*head, *map(_cells, found)]
    ]


def _fitted(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"


def _cells(each: Experiment) -> tuple[str, str, str, str]:
    changes = ", ".join(f"{name}={value(after)}" for name, (_, after) in each.changed_params.items())
    scores = "; ".join(f"{found.model} {found.score:.4g} {found.words}" for found in differences(each))
    moved = ", ".join(each.moved_verdicts) or ("none" if each.judged else "not judged")
    return each.name, changes or "nothing", scores or "the same", moved
