"""What a classifier confuses."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure


def confusion_matrix(confusion: pd.DataFrame, title: str) -> Figure:
    """The share of each class (rows) that is predicted as each class (columns), in percent; below 1 left blank."""
    names = list(dict.fromkeys(confusion["class"]))
    counts = confusion.pivot(index="class", columns="predicted", values="count").loc[names, names]
    shares = 100 * counts.div(counts.sum(axis=1), axis=0).to_numpy()
    figure = Figure(figsize=(5.6, 4.8))
    axes = figure.subplots()
    axes.grid(visible=False)
    # The root brings out the rare mistakes beside the common successes.
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=10)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 1:
            colour = "white" if share > 35 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="class", title=f"{title}: % of each class, all seeds (blank: below 1)")
    return figure


def pixels_of(digits: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The image (28, 28) behind the hexadecimal digits of its pixels."""
    return np.frombuffer(bytes.fromhex(digits), dtype=np.uint8).reshape(28, 28)


def mistakes_gallery(mistakes: pd.DataFrame, title: str, columns: int = 8) -> Figure:
    """The images that are wrong with the most confidence, the most confident first."""
    rows = max(1, -(-len(mistakes) // columns))
    figure = Figure(figsize=(1.15 * columns, 1.5 * rows + 0.4))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (_, mistake) in zip(grid, mistakes.iterrows(), strict=False):
        axes.imshow(pixels_of(mistake["pixels"]), cmap="gray_r", vmin=0, vmax=255)
        caption = f"{mistake['predicted']}?\n{mistake['class']} ({mistake['confidence']:.3f})"
        axes.set_title(caption, fontsize=7)
    figure.suptitle(f"{title}: guess? / true class (confidence in the guess)")
    return figure
