"""Exact properties of torchvision's transforms and of make_grid, each tried on real images: two ways to one result.

Images are grey, (images, 1, 28, 28), as whole numbers from 0 to 255 (uint8) or as floats from 0 to 1 (float32), which
are those over 255. Colour images have three grey ones as their channels: real values, and no channel like another.
Deviations are in grey levels, steps of 1/255, in both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import torch
from torch import Tensor

Sides = tuple[Tensor, Tensor]  # what came out, and what had to: (images, ...) each
Ways = dict[str, Callable[[Tensor], Sides]]  # from images to both sides of a property, by its name

CHUNK: Final = 500  # images at a time: they stay in the caches


@dataclass(frozen=True)
class Property:
    group: str  # "moves", "neutral" and so on, as below
    name: str  # in a few words, for a table
    sides: Callable[[Tensor], Sides]
    part: str = "transforms"  # of torchvision
    formats: tuple[str, ...] = ("uint8", "float32")
    single: bool = False  # each image by itself, so only some of them


def of_group(group: str, ways: Ways, **settings: Any) -> list[Property]:
    """A property for each way; `settings` are what differs from the defaults of a property."""
    return [Property(group, name, sides, **settings) for name, sides in ways.items()]


def transforms() -> Any:
    """The second version of torchvision's transforms; as functions, they are in its module `functional`."""
    from torchvision.transforms import v2

    return v2


def in_colour(images: Tensor) -> Tensor:
    """Each image with the next two as its further channels: (images, 3, 28, 28)."""
    return torch.cat([images, images.roll(-1, 0), images.roll(-2, 0)], dim=1)


# --- Moves: every pixel goes somewhere, none changes ---


def turned(images: Tensor, degrees: float, times: int = 1) -> Tensor:
    for _ in range(times):
        images = transforms().functional.rotate(images, degrees)
    return images


def moves() -> list[Property]:
    f = transforms().functional
    ways: Ways = {
        "four quarter turns: the image": lambda x: (turned(x, 90, 4), x),
        "two quarter turns: both flips": lambda x: (turned(x, 90, 2), f.vertical_flip(f.horizontal_flip(x))),
        "a quarter turn: `torch.rot90`": lambda x: (turned(x, 90), torch.rot90(x, 1, (2, 3))),
        "two horizontal flips: the image": lambda x: (f.horizontal_flip(f.horizontal_flip(x)), x),
        "two vertical flips: the image": lambda x: (f.vertical_flip(f.vertical_flip(x)), x),
        "a horizontal flip: columns in reverse": lambda x: (f.horizontal_flip(x), x.flip(3)),
        "a vertical flip: rows in reverse": lambda x: (f.vertical_flip(x), x.flip(2)),
        "a crop: a slice": lambda x: (f.crop(x, 3, 5, 20, 16), x[..., 3:23, 5:21]),
        "a centre crop: the slice in the middle": lambda x: (f.center_crop(x, [20, 20]), x[..., 4:24, 4:24]),
        "a padding, then a centre crop: the image": lambda x: (f.center_crop(f.pad(x, [4]), [28, 28]), x),
        "twice the size by nearest pixel: each pixel four times": lambda x: (
            f.resize(x, [56, 56], f.InterpolationMode.NEAREST),
            x[..., torch.arange(56) // 2, :][..., torch.arange(56) // 2],
        ),
    }
    return of_group("moves", ways)


# --- Neutral: settings that ask for no change, and a change that is its own opposite ---


def neutral() -> list[Property]:
    f = transforms().functional
    corners = [[0, 0], [27, 0], [27, 27], [0, 27]]
    ways: Ways = {
        "resized to its own size": lambda x: (f.resize(x, [28, 28], antialias=True), x),
        "turned by 0 degrees": lambda x: (turned(x, 0), x),
        "perspective with its corners unmoved": lambda x: (f.perspective(x, corners, corners), x),
        "brightness times 1": lambda x: (f.adjust_brightness(x, 1.0), x),
        "contrast times 1": lambda x: (f.adjust_contrast(x, 1.0), x),
        "sharpness times 1": lambda x: (f.adjust_sharpness(x, 1.0), x),
        "gamma 1": lambda x: (f.adjust_gamma(x, 1.0), x),
        "inverted twice": lambda x: (f.invert(f.invert(x)), x),
        "grey of three equal channels": lambda x: (f.rgb_to_grayscale(x.expand(-1, 3, -1, -1)), x),
        "saturation times 1, in colour": lambda x: (f.adjust_saturation(in_colour(x), 1.0), in_colour(x)),
        "hue moved by 0, in colour": lambda x: (f.adjust_hue(in_colour(x), 0.0), in_colour(x)),
        "channels permuted and back, in colour": lambda x: (
            f.permute_channels(f.permute_channels(in_colour(x), [1, 2, 0]), [2, 0, 1]),
            in_colour(x),
        ),
    }
    return of_group("neutral", ways)


# --- Numbers: from whole numbers to floats and back ---

MEAN, STD = 0.2860, 0.3530  # near those of Fashion-MNIST; any would do


def over_255(step: Callable[[Any], Tensor]) -> Callable[[Tensor], Sides]:
    """A step that makes tensors of Pillow's images, as the data sets give them, has to divide the pixels by 255."""
    to_pil = transforms().functional.to_pil_image
    return lambda images: (torch.stack([step(to_pil(image)) for image in images]), images / 255)


def scaled() -> list[Property]:
    """ToTensor of the first version of the transforms, and the two that the second version has in its place."""
    from torchvision.transforms import ToTensor

    v2 = transforms()
    ways: Ways = {
        "ToTensor: pixel / 255": over_255(ToTensor()),
        "ToImage and ToDtype: pixel / 255": over_255(v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])),
    }
    return of_group("scaled", ways, formats=("uint8",))


def numbers() -> list[Property]:
    f = transforms().functional
    whole: Ways = {
        "scaled to floats and back: the image": lambda x: (
            f.to_dtype(f.to_dtype(x, torch.float32, scale=True), torch.uint8, scale=True),
            x,
        ),
        "scaled to floats: pixel / 255": lambda x: (f.to_dtype(x, torch.float32, scale=True), x / 255),
    }
    floats: Ways = {
        "normalised: (pixel - mean) / sd": lambda x: (f.normalize(x, [MEAN], [STD]), (x.double() - MEAN) / STD),
        "normalised and back: the image": lambda x: (
            f.normalize(f.normalize(x, [MEAN], [STD]), [-MEAN / STD], [1 / STD]),
            x,
        ),
    }
    return [*of_group("numbers", whole, formats=("uint8",)), *of_group("numbers", floats, formats=("float32",))]


# --- Random transforms ---


def drawn(transform: Any, images: Tensor, seed: int) -> Tensor:
    """Each image transformed by itself; torchvision draws from PyTorch's global state, which is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.stack([transform(image) for image in images])


def random_transforms() -> dict[str, Any]:
    v2 = transforms()
    return {
        "RandomCrop": v2.RandomCrop(28, padding=4),
        "RandomHorizontalFlip": v2.RandomHorizontalFlip(),
        "RandomRotation": v2.RandomRotation(30),
        "RandomResizedCrop": v2.RandomResizedCrop(28, antialias=True),
        "RandomPerspective": v2.RandomPerspective(p=1.0),
        "ColorJitter": v2.ColorJitter(brightness=0.5, contrast=0.5),
        "RandomErasing": v2.RandomErasing(p=1.0),
    }


def one_of(found: Tensor, choices: Tensor) -> Sides:
    """Beside each image (images, ...), of its choices (images, choices, ...) the one that differs least from it."""
    apart = (choices.double() - found.double().unsqueeze(1)).abs().flatten(2).amax(2)  # (images, choices)
    return found, choices[torch.arange(len(found)), apart.argmin(1)]


def windows(images: Tensor, padding: int) -> Tensor:
    """All windows of the images' own size in the padded images: (images, windows, 1, rows, columns)."""
    rows, columns = images.shape[2:]
    padded = torch.nn.functional.pad(images, [padding] * 4)
    cut = padded.unfold(2, rows, 1).unfold(3, columns, 1)  # (images, 1, down, across, rows, columns)
    return cut.flatten(2, 3).transpose(1, 2)


def drawn_twice(transform: Any, seed: int) -> Callable[[Tensor], Sides]:
    return lambda images: (drawn(transform, images, seed), drawn(transform, images, seed))


def random(seed: int) -> list[Property]:
    v2 = transforms()
    always, never, flip = (v2.RandomHorizontalFlip(probability) for probability in (1.0, 0.0, 0.5))
    crop = v2.RandomCrop(28, padding=2)
    twice: Ways = {
        f"{name}, the same seed twice: the same": drawn_twice(each, seed) for name, each in random_transforms().items()
    }
    certain: Ways = {
        "a flip of probability 1: a flip": lambda x: (always(x), x.flip(3)),
        "a flip of probability 0: the image": lambda x: (never(x), x),
    }
    uncertain: Ways = {
        "a random flip: the image or its flip": lambda x: one_of(drawn(flip, x, seed), torch.stack([x, x.flip(3)], 1)),
        "a random crop: a window of the padded image": lambda x: one_of(drawn(crop, x, seed), windows(x, 2)),
    }
    return [
        *of_group("random", twice, single=True),
        *of_group("random", certain),
        *of_group("random", uncertain, single=True),
    ]


# --- make_grid ---

PADDING: Final = 2
NUM_COLUMNS: Final = 7


def cells_of_grid(images: Tensor) -> Tensor:
    """The images cut out of their grid, where they have to be: (images, 3, rows, columns)."""
    from torchvision.utils import make_grid

    grid: Tensor = make_grid(images, nrow=NUM_COLUMNS, padding=PADDING)[:, PADDING:, PADDING:]
    rows, columns = images.shape[2:]
    cells = grid.unfold(1, rows, rows + PADDING).unfold(2, columns, columns + PADDING)  # (3, down, across, ...)
    return cells.flatten(1, 2).transpose(0, 1)[: len(images)]


def frame_of_grid(images: Tensor) -> Sides:
    """All of a grid but its images, and the 0 that has to be there; as one "image"."""
    from torchvision.utils import make_grid

    blank = make_grid(torch.full_like(images, 1), nrow=NUM_COLUMNS, padding=PADDING) == 0
    frame = make_grid(images, nrow=NUM_COLUMNS, padding=PADDING)[blank].unsqueeze(0)
    num_rows = -(-len(images) // NUM_COLUMNS)
    rows, columns = images.shape[2:]
    area = (num_rows * (rows + PADDING) + PADDING) * (NUM_COLUMNS * (columns + PADDING) + PADDING)
    expected = torch.zeros(1, 3 * (area - len(images) * rows * columns), dtype=images.dtype)
    return frame, expected


def grid() -> list[Property]:
    ways: Ways = {
        f"cell (i, j) of a grid of {NUM_COLUMNS} columns: image {NUM_COLUMNS} i + j, in three channels": lambda x: (
            cells_of_grid(x),
            x.expand(-1, 3, -1, -1),
        ),
        "what lies between the cells: 0": frame_of_grid,
    }
    return of_group("grid", ways, part="utils")


# --- What a transform does not promise ---


def undone() -> list[Property]:
    f = transforms().functional
    ways: Ways = {
        "eight turns by 45 degrees": lambda x: (turned(x, 45, 8), x),
        "half the size, then twice": lambda x: (
            f.resize(f.resize(x, [14, 14], antialias=True), [28, 28], antialias=True),
            x,
        ),
        "brightness times 2, then times 1/2": lambda x: (f.adjust_brightness(f.adjust_brightness(x, 2.0), 0.5), x),
        "a crop, then a padding": lambda x: (f.pad(f.center_crop(x, [20, 20]), [4]), x),
    }
    return of_group("undone", ways)


# --- All of them ---


def all_properties(seed: int) -> list[Property]:
    return [*moves(), *neutral(), *scaled(), *numbers(), *random(seed), *grid(), *undone()]


def compared(sides: Sides) -> tuple[int, int, float]:
    """How many cases there are, in how many both sides are equal in every number, and how far they part at most.

    In grey levels: whole numbers as they are, floats times 255.
    """
    found, expected = sides
    if found.shape != expected.shape:
        raise ValueError(f"expected shape {tuple(expected.shape)}, found {tuple(found.shape)}")
    apart = (found.double() - expected.double()).abs().flatten(1).amax(1)  # (cases,)
    per_level = 255 if found.is_floating_point() else 1
    return len(apart), int((apart == 0).sum()), apart.max().item() * per_level


def row(group: str, name: str, part: str, format_name: str, found: Sequence[tuple[int, int, float]]) -> dict[str, Any]:
    """A row of the table of properties, from comparisons of all images chunk by chunk."""
    nums, equal, deviations = zip(*found, strict=True)
    return {
        "group": group,
        "property": name,
        "part": part,
        "format": format_name,
        "num_cases": sum(nums),
        "num_equal": sum(equal),
        "deviation": max(deviations),
    }


def property_table(images: Tensor, num_single: int, properties: Sequence[Property]) -> pd.DataFrame:
    """One row per property and format: of how many cases it holds exactly, and the largest deviation (grey levels)."""
    by_format = {"uint8": images.unsqueeze(1), "float32": images.unsqueeze(1).float() / 255}
    rows = []
    for each in properties:
        for format_name in each.formats:
            tried = by_format[format_name][: num_single if each.single else len(images)]
            found = [compared(each.sides(chunk)) for chunk in tried.split(CHUNK)]
            rows.append(row(each.group, each.name, each.part, format_name, found))
    return pd.DataFrame(rows)
