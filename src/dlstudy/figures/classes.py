"""What a classifier confuses."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dlstudy.figures.style import SMALL, new

NUM_SHOWN = 18
COLUMNS = 6


def confusion_matrix(confusion: pd.DataFrame) -> Figure:
    """The share of each class (rows) that is predicted as each class (columns), in percent; below 1 left blank."""
    names = list(dict.fromkeys(confusion["class"]))
    counts = confusion.pivot(index="class", columns="predicted", values="count").loc[names, names]
    shares = 100 * counts.div(counts.sum(axis=1), axis=0).to_numpy()
    figure = new(5.0)
    axes = figure.subplots()
    axes.grid(visible=False)
    # The root brings out the rare mistakes beside the common successes.
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=10, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 1:
            colour = "white" if share > 35 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class (%)")
    return figure


def pixels_of(digits: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The image (28, 28) behind the hexadecimal digits of its pixels."""
    return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8).reshape(28, 28)


def mistakes_gallery(mistakes: pd.DataFrame) -> Figure:
    """The images that are wrong with the most confidence, the most confident first: guess?, class and confidence."""
    shown = mistakes.head(NUM_SHOWN)
    rows = max(1, -(-len(shown) // COLUMNS))
    figure = new(1.55 * rows)
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (_, mistake) in zip(grid, shown.iterrows(), strict=False):
        axes.imshow(pixels_of(mistake["pixels"]), cmap="gray_r", vmin=0, vmax=255)
        caption = f"{mistake['predicted']}?\n{mistake['class']}\n{mistake['confidence']:.3f}"
        axes.set_title(caption, fontsize=SMALL)
    return figure
