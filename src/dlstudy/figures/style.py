"""How every figure looks, and how it becomes a file of always the same bytes."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from dlstudy.core.artifacts import write_bytes

# Okabe and Ito's colours, told apart by colour-blind readers, in an order that alternates dark and light in grey.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")

SETTINGS: Final[dict[Any, Any]] = {
    "figure.dpi": 200,
    "font.size": 9,
    "axes.titlesize": 10,
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


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG without date and version."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def draw(folder: Path, figures: Iterable[tuple[str, Figure]]) -> None:
    """Write each figure in the study's style under its name; then delete the pictures that no figure replaces."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = set()
    with style():
        for name, figure in figures:
            path = folder / f"{name}.png"
            write_bytes(path, png_bytes(figure))
            drawn.add(path)
    for path in set(folder.glob("*.png")) - drawn:
        path.unlink()
