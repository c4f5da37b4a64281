"""How every figure looks, and how it becomes a small file of always the same bytes.

One picture stands on pages in two languages: it carries symbols, numbers, names and short words, but no sentences.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from PIL import Image

from dlstudy.core.base.artifacts import write_bytes

Figures = Iterator[tuple[str, Figure]]  # each figure with the name of its file, without the ending
# Okabe and Ito's colours, told apart by colour-blind readers, in an order that alternates dark and light in grey.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
GREY: Final = "#808080"
CLOUD: Final = "#b0b0b0"  # of many points behind what counts
BAND: Final = "#e4e4e4"

WIDTH: Final = 6.0  # inches: text of 10 points is then read on a screen of 400 pixels
SMALL: Final = 8.0  # points; nothing is smaller
DPI: Final = 200
THOUSANDS: Final = FuncFormatter(lambda value, _: f"{value / 1000:.0f}k" if value else "0")

SETTINGS: Final[dict[Any, Any]] = {
    "figure.dpi": DPI,
    "font.size": 10,
    "axes.titlesize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.handlelength": 1.5,
    "legend.columnspacing": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


@contextmanager
def style() -> Iterator[None]:
    """The study's look, and nothing of the user's own matplotlibrc."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def new(height: float, *shape: int, layout: Literal["compressed"] | None = None, **options: Any) -> tuple[Figure, Any]:
    """An empty figure of the width of all, `height` inches high, with its axes as `Figure.subplots` gives them."""
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    return figure, figure.subplots(*shape, **options)


def key_above(figure: Figure, columns: int = 4, *, axes: int = 0) -> Figure:
    """The figure, with the names of what its axes (the first, or those numbered) show above all data."""
    figure.legend(*figure.axes[axes].get_legend_handles_labels(), loc="outside upper center", ncols=columns)
    return figure


def name_end(axes: Axes, x: float, y: float, text: str, colour: str = "black") -> None:
    """The name of a line, right of its end."""
    axes.annotate(text, (x, y), (4, 0), textcoords="offset points", va="center", fontsize=9, color=colour)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom, the first at 0."""
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")


def signed_ticks(axis: Axis, ticks: Sequence[int]) -> None:
    axis.set_ticks(list(ticks), [f"{tick:+d}" if tick else "0" for tick in ticks])


def write_cells(
    axes: Axes, percent: NDArray[np.float64], *, white_above: float, least: float = 0.0, **look: Any
) -> None:
    """The numbers (rows, columns) of a heat map in its cells, those from the least; white on dark cells."""
    for (row, column), share in np.ndenumerate(percent):
        if share >= least:
            colour = "white" if share > white_above else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, **look)
    axes.grid(visible=False)


def strips(axes: Axes, rows: Mapping[str, Sequence[float]], published: Mapping[str, Sequence[float]]) -> None:
    """By name a row: a dot for each value, side by side; a bar at their mean; a diamond for each published figure."""
    for place, (name, values) in enumerate(rows.items()):
        heights = [place + 0.3 * (number / max(1, len(values) - 1) - 0.5) for number in range(len(values))]
        axes.plot(values, heights, "o", color=COLOURS[0], markersize=5, alpha=0.6)
        if len(values):
            axes.plot([sum(values) / len(values)] * 2, [place - 0.35, place + 0.35], color="black", linewidth=1.8)
        others = published.get(name, ())
        axes.plot(others, [place] * len(others), "D", color=COLOURS[5], fillstyle="none", markersize=6)
    name_rows(axes, list(rows))
    axes.plot([], [], "o", color=COLOURS[0], alpha=0.6, label="seed")
    axes.plot([], [], "|", color="black", markersize=12, markeredgewidth=1.8, label="mean")
    if published:
        axes.plot([], [], "D", color=COLOURS[5], fillstyle="none", label="published")


def pixels_of(digits: str) -> NDArray[np.uint8]:
    """The image (28, 28) behind the hexadecimal digits of its pixels."""
    return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8).reshape(28, 28)


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG of at most 256 colours, without date and version."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True, dpi=(DPI, DPI))
    return small.getvalue()


def draw(folder: Path, figures: Iterable[tuple[str, Figure]]) -> None:
    """Write each figure in the study's style under its name; then delete the pictures that no figure replaces."""
    drawn = set()
    with style():
        for name, figure in figures:
            path = folder / f"{name}.png"
            write_bytes(path, png_bytes(figure))
            drawn.add(path)
    for path in set(folder.glob("*.png")) - drawn:
        path.unlink()
