"""Figures that hang on verdicts and their settings: drawn apart, so that another margin draws nothing else again."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures import census, ladder, signal
from dlstudy.figures.style import COLOURS
from dlstudy.judging.judgement import A_A
from dlstudy.judging.statistics import repeated_cv_interval
from dlstudy.measures import census as census_measures
from dlstudy.study.ladder import Ladder
from dlstudy.study.results import Results

LOOKS: Final = {
    "supported": ("o", COLOURS[2]),
    "refuted": ("X", COLOURS[5]),
    "depends": ("P", COLOURS[3]),
    "inconclusive": ("D", "#808080"),
    "invalid": ("s", "#b8b8b8"),
}
"""Mark and colour of each verdict."""

LINE: Final = 52  # characters of a sentence beside the plot

COMPARISONS: Final = (
    ("plane_dollars", "spline_dollars", "spline over plane,\nprice in dollars"),
    ("plane_log", "spline_log", "spline over plane,\nlog price"),
    ("spline_log", "products_log", "products over spline,\nlog price (no verdict)"),
    ("spline_log", "boosting_log", "boosted trees over spline,\nlog price"),
)


def verdict_figures(results: Results, sentences: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    """Each figure with the name of its file, without the ending. `sentences`: what each reading says, by its key."""
    settings = results.study.judge
    thresholds = results.verdicts().set_index("id")["threshold"]
    yield "forest", forest(differences(results, sentences), settings.margin)
    folds = results.experiment("linearity", "folds")
    yield "linearity_gains", gains(folds, confidence=settings.confidence, threshold=thresholds["LIN-1/dollars"])
    ratios = results.experiment("signal_propagation", "ratios")
    std = results.experiment_facts("signal_propagation")["small_std"]
    yield "signal_ratios", signal.ratios(ratios, std, tolerance=thresholds["ACT-8/prediction"])
    yield "census_families", census.timeline(results.experiment("census", "families"), since=census_measures.SINCE)
    yield "ladder", ladder.against_relu(Ladder(results), settings.margin, settings.confidence)


def differences(results: Results, sentences: Mapping[str, str]) -> pd.DataFrame:
    """The paired differences of readings and controls, in accuracy points: the rows of the forest plot."""
    verdicts = results.verdicts()
    of_readings = verdicts[verdicts["unit"] == "accuracy points"].assign(
        label=lambda table: table["id"] + ": " + table["id"].map(sentences)
    )
    controls = results.controls()
    of_controls = controls[~controls["control"].str.startswith(A_A)].assign(
        label=lambda table: "Control: " + table["expected"],
        verdict=lambda table: table["passes"].map({"yes": "supported", "no": "refuted"}),
    )
    return pd.concat([of_readings, of_controls])[["label", "estimate", "low", "high", "verdict"]]


def forest(differences: pd.DataFrame, margin: float) -> Figure:
    """Every paired difference in accuracy points with its interval, beside its sentence, and the margin as a band.

    `differences`: one row a comparison or control, with label, estimate, low, high and verdict.
    """
    figure = Figure(figsize=(8.2, 1.4 + 0.44 * len(differences)))
    axes = figure.subplots()
    axes.axvspan(-margin, margin, color="#e4e4e4", zorder=0)
    axes.axvline(0, color="black", linewidth=0.8)
    for place, row in enumerate(differences.to_dict("records")):
        mark, colour = LOOKS[row["verdict"]]
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        axes.plot(row["estimate"], place, mark, color=colour, markersize=7)
    for verdict, (mark, colour) in LOOKS.items():
        if verdict in set(differences["verdict"]):
            axes.plot([], [], mark, color=colour, markersize=7, label=verdict)
    labels = [textwrap.fill(label, LINE, max_lines=3, placeholder=" ...") for label in differences["label"]]
    axes.set_yticks(range(len(differences)), labels, fontsize=8)
    axes.set_ylim(len(differences) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    # Deep networks that do not train are scores of points apart; near 0 the scale is the usual one.
    axes.set_xscale("symlog", linthresh=5, linscale=2)
    axes.set_xlim(-100, 100)
    ticks = [-50, -10, -2, 0, 2, 10, 50]
    axes.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_xlabel("accuracy points")
    figure.legend(loc="outside upper center", ncols=5)
    return figure


def gains(folds: pd.DataFrame, *, confidence: float, threshold: float) -> Figure:
    """The gain of the richer model in every fold, its mean with the corrected interval, and the threshold (percent)."""
    figure = Figure(figsize=(8.2, 3.6))
    axes = figure.subplots()
    num_folds = int(folds["fold"].nunique())
    for place, (plain, richer, _) in enumerate(COMPARISONS):
        values = 100 * (folds[plain] - folds[richer]) / folds[plain]
        # The dots lie side by side, repeat by repeat, so that none hides another.
        height = place + 0.12 + 0.3 * (folds["repeat"] - 1) / max(1, folds["repeat"].max() - 1)
        axes.plot(values, height, "o", color=COLOURS[4], markersize=3, alpha=0.7)
        found = repeated_cv_interval(values.tolist(), confidence, num_folds=num_folds)
        axes.plot([found.low, found.high], [place - 0.1] * 2, color="black", linewidth=1.6)
        axes.plot(found.estimate, place - 0.1, "D", color="black", markersize=5)
    axes.axvline(0, color="#808080", linewidth=0.8)
    axes.axvline(
        threshold, color=COLOURS[5], linestyle="--", linewidth=1.4, label=f"threshold of the rule, {threshold:g} %"
    )
    axes.set_yticks(range(len(COMPARISONS)), [label for *_, label in COMPARISONS])
    axes.invert_yaxis()
    axes.set_xlabel("gain: by how many percent the root mean squared error on the held-out fold is lower")
    axes.legend(loc="upper right")
    figure.suptitle(f"Every fold (dots); mean and {100 * confidence:g} % interval (diamonds)")
    return figure
