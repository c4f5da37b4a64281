"""Which activation the families of torchvision's image classifiers use, by the year in which they came out."""

from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from dlstudy.figures.style import COLOURS

LOOKS: Final = {
    "relu": (COLOURS[0], "o", "ReLU"),
    "relu6": (COLOURS[4], "s", "ReLU6"),
    "hardswish": (COLOURS[3], "D", "hard swish"),
    "silu": (COLOURS[1], "^", "SiLU"),
    "gelu": (COLOURS[5], "v", "GELU"),
}
OTHER: Final = (COLOURS[6], "X")  # an activation that leads nowhere yet


def timeline(families: pd.DataFrame, *, since: int) -> Figure:
    """A marker for each family above its year, with its number of builders; the years of "today" are shaded."""
    figure = Figure(figsize=(8.2, 3.6))
    axes = figure.subplots()
    ordered = families.sort_values(["year", "activation", "family"])
    ordered = ordered.assign(height=ordered.groupby("year").cumcount() + 1)
    num_of = ordered["activation"].value_counts()
    for name in sorted(num_of.index, key=lambda name: ([*LOOKS, name].index(name), name)):
        own = ordered[ordered["activation"] == name]
        colour, marker, label = LOOKS.get(name, (*OTHER, name))
        axes.plot(own["year"], own["height"], marker, color=colour, markersize=9, label=f"{label} ({num_of[name]})")
    for row in ordered.itertuples():
        caption = f"{row.family}\n({row.num_builders})"
        axes.annotate(caption, (row.year, row.height), (0, -7), **_BELOW)
    first, last = families["year"].min() - 0.6, max(families["year"].max(), since) + 0.6
    axes.axvspan(since - 0.5, last, color="#eeeeee", zorder=0)
    axes.annotate(f"{since} and later", (last, 1), (-4, -4), xycoords=_ACROSS, **_BELOW | {"ha": "right"})
    axes.set(xlabel="year of first publication", ylabel="families of a year", xlim=(first, last))
    axes.set_ylim(0.2, ordered["height"].max() + 0.5)
    axes.xaxis.set_major_locator(MultipleLocator(1))
    axes.yaxis.set_major_locator(MultipleLocator(1))
    axes.grid(visible=False)
    figure.legend(loc="outside upper center", ncols=max(1, len(num_of)))
    return figure


_BELOW: Final[dict[str, Any]] = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 6.5}
_ACROSS: Final = ("data", "axes fraction")
