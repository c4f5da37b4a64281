"""Which activation the families of torchvision's image classifiers use, by the year in which they came out."""

from typing import Final

import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.style import BAND, COLOURS, GREY, SMALL, key_above, new

LOOKS: Final = {
    "relu": (COLOURS[0], "o"),
    "silu": (COLOURS[1], "^"),
    "gelu": (COLOURS[5], "v"),
    "relu6": (GREY, "s"),
    "hardswish": (GREY, "D"),
}
OTHER: Final = (GREY, "X")  # an activation that leads nowhere yet


def timeline(families: pd.DataFrame, *, since: int) -> Figure:
    """A row per year: a marker and a name for each family, with its number of builders; the years of "today" shaded."""
    first, last = families["year"].min(), max(families["year"].max(), since)
    ordered = families.sort_values(["year", "activation", "family"])
    ordered = ordered.assign(place=ordered.groupby("year").cumcount())
    figure, axes = new(0.6 + 0.3 * (last - first + 1))
    num_of = ordered["activation"].value_counts()
    for name in sorted(num_of.index, key=lambda name: ([*LOOKS, name].index(name), name)):
        own = ordered[ordered["activation"] == name]
        colour, marker = LOOKS.get(name, OTHER)
        axes.plot(own["place"], own["year"], marker, color=colour, markersize=8, label=f"{name} ({num_of[name]})")
    for row in ordered.itertuples():
        caption = f"{row.family} ({row.num_builders})"
        axes.annotate(caption, (row.place, row.year), (7, 0), textcoords="offset points", va="center", fontsize=SMALL)
    axes.axhspan(since - 0.5, last + 0.5, color=BAND, zorder=0)
    axes.set_yticks(range(first, last + 1))
    axes.set(xticks=[], xlim=(-0.12, ordered["place"].max() + 1), ylim=(last + 0.5, first - 0.5))
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    return key_above(figure, len(num_of))
