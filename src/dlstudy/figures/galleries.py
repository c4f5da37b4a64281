"""Pictures of images: the data set, transforms, mistakes, and what a first layer has learnt.

The grids are made by torchvision's make_grid, the words around them by Matplotlib. Images are shown as they are, 0 as
black; of a weight only its sign and size can be shown, in two colours.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from dlstudy.core.base.dataset import Dataset, Split
from dlstudy.core.networks import Parameters, load_runs
from dlstudy.evaluation.vision import filters_in
from dlstudy.figures.style import SMALL, Figures, new, pixels_of
from dlstudy.study.results import Results

PADDING: Final = 2
WHITE: Final = 255  # between images of whole numbers
DARK: Final = 0.3  # between weights, of which many are white
PER_CLASS: Final = 10
PER_MODEL: Final = 6  # mistakes
SHOWN_CLASSES: Final = (0, 5, 8, 9)  # of ten, those whose shapes differ most in Fashion-MNIST
VISIBLE: Final = 0.99  # share of the weights within the range of the colours: a few large ones would pale the rest


def galleries(results: Results, dataset: Dataset, models: Path) -> Figures:
    """All galleries; `models`: the folder of trained parameters."""
    yield "data_set", data_set(dataset.train, dataset.class_names)
    yield "transforms", transformed(examples_of(dataset.train, shown_classes(len(dataset.class_names))))
    if named := [*results.classifiers(), *results.study.vision]:
        yield "mistakes", mistakes({name: results.table(name, "mistakes") for name in named})
    if linear := list(results.classifiers(hidden=False)):
        yield "templates", templates(load_runs(models / f"{linear[0]}.pt"), dataset.class_names)
    if large := results.large_filters():
        yield "filters", filters({name: filters_in(table) for name, table in large.items()})


def show(
    axes: Axes, images: Tensor, num_columns: int, *, columns: Sequence[str] = (), rows: Sequence[str] = ()
) -> None:
    """A grid of images (images, channels, rows, columns), uint8 or from 0 to 1, with words above and left of it."""
    from torchvision.utils import make_grid

    background = WHITE if images.dtype == torch.uint8 else DARK
    grid = make_grid(images, nrow=num_columns, padding=PADDING, pad_value=background)  # (3, rows, columns)
    axes.imshow(grid.permute(1, 2, 0).numpy(), interpolation="nearest")
    for axis, side, words in ((axes.xaxis, images.shape[3], columns), (axes.yaxis, images.shape[2], rows)):
        axis.set_ticks([PADDING + (side + PADDING) * (place + 0.5) - 1.5 for place in range(len(words))], words)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def examples_of(split: Split, classes: Sequence[int], num: int = 1) -> Tensor:
    """The first images of each class, class by class: (classes * num, 1, 28, 28)."""
    found = [split.features[split.targets == each][:num] for each in classes]
    return torch.cat(found).unsqueeze(1)


def data_set(split: Split, class_names: Sequence[str]) -> Figure:
    """The first images of each class, a row a class; white where a class has fewer than the largest."""
    figure, axes = new(5.2 * max(len(class_names), PER_CLASS) / PER_CLASS, layout="compressed")
    rows = [examples_of(split, [each], PER_CLASS) for each in range(len(class_names))]
    images = pad_sequence(rows, batch_first=True, padding_value=WHITE)  # (classes, images, 1, 28, 28)
    show(axes, images.flatten(0, 1), images.shape[1], rows=class_names)
    return figure


def shown_classes(num_classes: int) -> tuple[int, ...]:
    """The classes with an example: of fewer than ten, the first."""
    return SHOWN_CLASSES if num_classes > max(SHOWN_CLASSES) else tuple(range(min(len(SHOWN_CLASSES), num_classes)))


def transforms() -> dict[str, Any]:
    """By its name in torchvision each transform that is shown; all give images of the size they take."""
    from torchvision.transforms import v2

    f = v2.functional
    size = [28, 28]
    return {
        "original": lambda x: x,
        "crop": lambda x: f.resize(f.crop(x, 2, 4, 18, 18), size, antialias=True),
        "pad": lambda x: f.resize(f.pad(x, [8]), size, antialias=True),
        "rotate 90°": lambda x: f.rotate(x, 90),
        "rotate 30°": lambda x: f.rotate(x, 30, f.InterpolationMode.BILINEAR),
        "horizontal_flip": f.horizontal_flip,
        "vertical_flip": f.vertical_flip,
        "affine": lambda x: f.affine(x, 0, [0, 0], 1, [25.0, 0.0], f.InterpolationMode.BILINEAR),
        "perspective": lambda x: f.perspective(
            x, [[0, 0], [27, 0], [27, 27], [0, 27]], [[6, 3], [27, 0], [24, 27], [0, 22]]
        ),
        "resize 7 × 7": lambda x: f.resize(f.resize(x, [7, 7], antialias=True), size, f.InterpolationMode.NEAREST),
        "gaussian_blur": lambda x: f.gaussian_blur(x, [5, 5], [1.2, 1.2]),
        "adjust_brightness": lambda x: f.adjust_brightness(x, 1.8),
        "adjust_contrast": lambda x: f.adjust_contrast(x, 0.4),
        "invert": f.invert,
        "posterize": lambda x: f.posterize(x, 2),
        "RandomErasing": v2.RandomErasing(p=1.0, scale=(0.08, 0.2)),
        "ElasticTransform": v2.ElasticTransform(alpha=40.0, sigma=4.0),
        "ColorJitter": v2.ColorJitter(brightness=0.7, contrast=0.7),
    }


def transformed(images: Tensor) -> Figure:
    """A row per transform, in two panels, a column an image (images, 1, 28, 28); each by itself, as in training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rows = {name: torch.stack([each(image) for image in images]) for name, each in transforms().items()}
    every, half = list(rows), (len(rows) + 1) // 2
    figure, panels = new(3.9, 1, 2, layout="compressed")
    for axes, names in zip(panels, (every[:half], every[half:]), strict=True):
        show(axes, torch.cat([rows[name] for name in names]), len(images), rows=names)
    return figure


def mistakes(tables: Mapping[str, Any]) -> Figure:
    """A row per model: the mistakes that it makes with most confidence, what it takes them for and what they are."""
    figure, panels = new(1.25 * len(tables), len(tables), 1, squeeze=False)
    for axes, (name, table) in zip(panels.flat, tables.items(), strict=True):
        worst = table.head(PER_MODEL)
        axes.set_ylabel(name.replace("_", "\n"), fontweight="bold", fontsize=SMALL)
        axes.set(xticks=[], yticks=[])
        if len(worst):
            captions = [f"{guess}?\n{true}" for guess, true in zip(worst["predicted"], worst["class"], strict=True)]
            images = torch.from_numpy(np.stack([pixels_of(each) for each in worst["pixels"]]))  # (images, 28, 28)
            show(axes, images.unsqueeze(1), PER_MODEL, columns=captions)
            axes.tick_params(labeltop=False, labelbottom=True, labelsize=SMALL, pad=1)
    return figure


def in_two_colours(weights: Tensor, largest: Tensor) -> Tensor:
    """Weights (images, 1, rows, columns) as colours (images, 3, rows, columns): blue below 0, red above."""
    largest = largest.clamp_min(torch.finfo(weights.dtype).tiny)  # 0 where nearly all weights are, and 0 / 0 no colour
    scaled = ((weights / largest).clamp(-1, 1) / 2 + 0.5).squeeze(1).numpy()
    shades = mpl.colormaps["RdBu_r"].resampled(11)  # enough for the eye, and few for the file
    colours = shades(scaled)[..., :3]  # (images, rows, columns, 3)
    return torch.from_numpy(np.moveaxis(colours, -1, 1).astype(np.float32))


def templates(runs: Mapping[int, Parameters], class_names: Sequence[str]) -> Figure:
    """The weights of softmax regression, an image a class: of the first seed, and the mean of all seeds."""
    weights = torch.stack([parameters["0.weight"] for parameters in runs.values()]).reshape(len(runs), -1, 1, 28, 28)
    rows = torch.cat([weights[0], weights.mean(0)])
    figure, axes = new(1.9, layout="compressed")
    shown = in_two_colours(rows, rows.abs().quantile(VISIBLE))
    show(axes, shown, len(class_names), columns=class_names, rows=[f"seed {next(iter(runs))}", "mean"])
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="left", rotation_mode="anchor")
    return figure


def filters(weights: Mapping[str, np.ndarray[Any, Any]]) -> Figure:
    """A panel per network: its filters (filters, channels, side, side), each the mean over its input channels."""
    figure, panels = new(1.5 * len(weights), len(weights), 1, squeeze=False, layout="compressed")
    for axes, (name, of_network) in zip(panels.flat, weights.items(), strict=True):
        shown = torch.from_numpy(of_network).mean(1, keepdim=True)
        show(axes, in_two_colours(shown, shown.abs().quantile(VISIBLE)), 16)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(f"{name}\n{shown.shape[2]} × {shown.shape[3]}", fontsize=SMALL)
    return figure
