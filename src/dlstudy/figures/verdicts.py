"""Figures that depend on verdicts and their settings: drawn apart, so that another margin draws nothing else again."""

import itertools
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from dlstudy.figures import activations, signal
from dlstudy.figures.style import BAND, COLOURS, GREY, SMALL, Figures, key_above, name_rows, new, signed_ticks
from dlstudy.judging.evidence import PerRound
from dlstudy.judging.judgement import A_A
from dlstudy.judging.statements import POINTS
from dlstudy.measures.census import SINCE
from dlstudy.measures.cost import YARDSTICK, epochs, kernels
from dlstudy.measures.linearity import gains_of
from dlstudy.study.ladder import Ladder
from dlstudy.study.results import Results

LOOKS: Final = {  # mark and colour of each verdict
    "supported": ("o", COLOURS[0]),
    "refuted": ("X", COLOURS[5]),
    "depends": ("P", COLOURS[1]),
    "inconclusive": ("D", GREY),
    "invalid": ("s", "#b8b8b8"),
}

CONTROLS: Final = {"again": "control  A − A = 0 ± d", "handicapped": "control  A − A spoilt > 0"}
COMPARISONS: Final = (
    ("plane_dollars", "spline_dollars", "plane → spline, $"),
    ("plane_log", "spline_log", "plane → spline, log"),
    ("spline_log", "products_log", "spline → products, log"),
    ("spline_log", "boosting_log", "spline → trees, log"),
)


def verdict_figures(results: Results) -> Figures:
    margin, confidence = results.study.judge.margin, results.study.judge.confidence
    thresholds = results.verdicts().set_index("id")["threshold"]
    yield "forest", forest(differences(results), margin)
    yield "linearity_gains", gains(results.experiment("linearity", "folds"), confidence, thresholds["LIN-1/dollars"])
    ratios = results.experiment("signal_propagation", "ratios")
    std = results.experiment_facts("signal_propagation")["small_std"]
    yield "signal_ratios", signal.ratios(ratios, std, tolerance=thresholds["ACT-8/prediction"])
    yield "census_families", activations.timeline(results.experiment("census", "families"), since=SINCE)
    yield "ladder", activations.against_relu(Ladder.of(results), margin, confidence)


def differences(results: Results) -> pd.DataFrame:
    """The paired differences of readings and controls, in accuracy points: the rows of the forest plot."""
    verdicts, controls = results.verdicts(), results.controls()
    of_readings = verdicts[verdicts["unit"] == POINTS].assign(
        label=lambda table: table["id"].str.split("/").str[0] + "  " + table["difference"]
    )
    of_controls = controls[~controls["control"].str.startswith(A_A)].assign(
        label=lambda table: [CONTROLS[name] for name in table["control"]],
        verdict=lambda table: table["passes"].map({"yes": "supported", "no": "refuted"}),
    )
    return pd.concat([of_readings, of_controls])[["label", "estimate", "low", "high", "verdict"]]


def forest(differences: pd.DataFrame, margin: float) -> Figure:
    """Every paired difference in accuracy points with its interval, in groups of a chapter; the margin as a band.

    `differences`: one row a comparison or control, with label, estimate, low, high and verdict.
    """
    figure, axes = new(1.0 + 0.24 * len(differences))
    axes.axvspan(-margin, margin, color=BAND, zorder=0)
    axes.axvline(0, color="black", linewidth=0.8)
    chapters = differences["label"].str.extract(r"^(\w+)")[0].to_numpy()
    for before in np.flatnonzero(chapters[1:] != chapters[:-1]):
        axes.axhline(before + 0.5, color=GREY, linewidth=0.8)
    for place, row in enumerate(differences.to_dict("records")):
        mark, colour = LOOKS[row["verdict"]]
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        axes.plot(row["estimate"], place, mark, color=colour, markersize=7)
    for verdict, (mark, colour) in LOOKS.items():
        if verdict in set(differences["verdict"]):
            axes.plot([], [], mark, color=colour, markersize=7, label=verdict)
    name_rows(axes, list(differences["label"]))
    # Deep networks that do not train are scores of points apart; near 0 the scale is the usual one.
    axes.set_xscale("symlog", linthresh=5, linscale=2)
    axes.set(xlim=(-100, 100), xlabel="Δ accuracy (points)")
    signed_ticks(axes.xaxis, (-50, -10, -2, 0, 2, 10))
    return key_above(figure)


def gains(folds: pd.DataFrame, confidence: float, threshold: float) -> Figure:
    """The gain of the richer model in every fold (dots), its mean with the corrected interval, and the threshold."""
    figure, axes = new(3.0)
    for place, (plain, richer, _) in enumerate(COMPARISONS):
        gain = gains_of(folds, plain, richer)
        # The dots lie side by side, repeat by repeat, so that none hides another.
        height = place + 0.12 + 0.3 * (folds["repeat"] - 1) / max(1, folds["repeat"].max() - 1)
        axes.plot(gain.values, height, "o", color=COLOURS[0], markersize=3, alpha=0.5)
        found = gain.interval(confidence)
        axes.plot([found.low, found.high], [place - 0.1] * 2, color="black", linewidth=1.6)
        axes.plot(found.estimate, place - 0.1, "D", color="black", markersize=5)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.axvline(threshold, color=COLOURS[5], linestyle="--", linewidth=1.4)
    name_rows(axes, [label for *_, label in COMPARISONS])
    axes.set_xlabel("Δ RMSE (%)")
    return figure


MARKS: Final = {"sigmoid": ("o", COLOURS[5]), "tanh": ("s", COLOURS[0])}  # those of the statements stand out


def cost_figures(results: Results) -> Figures:
    """Ratios to ReLU on one scale: the activation alone, forward, and with its gradient; and whole epochs."""
    confidence, of_kernels = results.study.judge.confidence, kernels(results)
    thresholds = results.verdicts().set_index("id")["threshold"]
    figure, panels = new(3.8, 1, 3, sharey=True)
    names = [name for name in dict.fromkeys(of_kernels["activation"]) if name != YARDSTICK]  # ReLU is the unit
    others = itertools.cycle("^DvPX")
    marks = {name: MARKS.get(name) or (next(others), GREY) for name in names}
    for axes, part in zip(panels, ("forward", "forward_backward"), strict=False):
        _draw(axes, of_kernels[of_kernels["part"] == part], "side", marks, confidence)
        _finish(axes, part.replace("_", " + "), "$n × n$", thresholds["ACT-13/sigmoid-forward-cache"])
    _draw(panels[2], epochs(results), "network", marks, confidence)
    _finish(panels[2], "epoch", "hidden layers", thresholds["ACT-14/sigmoid-shallow"])
    panels[0].set_ylabel("time / ReLU")
    yield "kernel_and_epoch", key_above(figure, 3)


def _draw(axes: Axes, table: pd.DataFrame, column: str, marks: dict[str, tuple[str, str]], confidence: float) -> None:
    places = {value: place for place, value in enumerate(dict.fromkeys(table[column]))}
    for number, (activation, (marker, colour)) in enumerate(marks.items()):
        shift = 0.6 * (number + 0.5) / len(marks) - 0.3
        for value, ratios in table[table["activation"] == activation].groupby(column, sort=False)["ratio"]:
            found, x = PerRound(tuple(ratios)).interval(confidence), places[value] + shift
            axes.plot([x, x], [found.low, found.high], color=colour, linewidth=1.4)
            label = activation if places[value] == 0 else None
            axes.plot(x, found.estimate, marker, color=colour, markersize=4.5, linestyle="none", label=label)
    axes.set_xticks(range(len(places)), [str(value) for value in places])


def _finish(axes: Axes, title: str, what: str, threshold: float) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator((0.5, 1, 2, 5, 10, 20, 50)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.axhline(threshold, color="black", linewidth=1, linestyle="--")
    axes.set(title=title, xlabel=what)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(axis="x", visible=False)
