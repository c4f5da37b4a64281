"""The activations of the note, drawn with their slopes."""

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from dlstudy.figures.style import COLOURS, new

INPUTS: Final = np.linspace(-5, 5, 1001)


def slopes() -> Figure:
    """Sigmoid, tanh and ReLU, each above its slope."""
    figure, grid = new(3.5, 2, 3, sharex=True, sharey="row")
    for axes, (name, (values, slope)) in zip(grid.T, curves(INPUTS).items(), strict=True):
        axes[0].plot(INPUTS, values, color=COLOURS[0], linewidth=2)
        axes[1].plot(INPUTS, slope, color=COLOURS[5], linewidth=2)
        axes[0].set_title(name)
        axes[1].set_xlabel("$x$")
    grid[0, 0].set(ylabel=r"$\phi(x)$", ylim=(-1.15, 2))
    grid[1, 0].set(ylabel=r"$\phi'(x)$", ylim=(-0.05, 1.1), yticks=(0, 0.25, 0.5, 1))
    grid[1, 0].set_yticklabels(["0", "1/4", "1/2", "1"])
    return figure


def curves(x: "np.ndarray[Any, Any]") -> dict[str, tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]]:
    """By name: the activation of x and its slope there."""
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        "sigmoid": (sigmoid, sigmoid * (1 - sigmoid)),
        "tanh": (np.tanh(x), 1 - np.tanh(x) ** 2),
        "ReLU": (np.maximum(x, 0), (x > 0).astype(float)),
    }
