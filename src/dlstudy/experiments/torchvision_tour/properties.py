"""Exact properties of torchvision's transforms and of make_grid, each tried on real images: two ways to one result.

Images are grey, (images, 1, 28, 28), as whole numbers from 0 to 255 (uint8) or as floats from 0 to 1 (float32), which
are those over 255. Colour images have three grey ones as their channels: real values, and no channel like another.
Deviations are in grey levels, steps of 1/255, in both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd
import torch
from torch import Tensor

Group = Literal["moves", "neutral", "scaled", "numbers", "random", "grid", "undone", "files", "weights"]
Sides = tuple[Tensor, Tensor]  # what came out, and what had to: (images, ...) each

BOTH: Final = ("uint8", "float32")
CHUNK: Final = 500  # images at a time: they stay in the caches


@dataclass(frozen=True)
class Property:
    group: Group
    name: str  # in a few words, for a table
    part: str  # of torchvision
    sides: Callable[[Tensor], Sides]
    formats: tuple[str, ...] = BOTH
    single: bool = False  # each image by itself, so only some of them


def transforms() -> Any:
    """The second version of torchvision's transforms."""
    from torchvision.transforms import v2

    return v2


def functions() -> Any:
    """The transforms as functions."""
    return transforms().functional


def in_format(images: Tensor, name: str) -> Tensor:
    """uint8 images (images, 28, 28) with a channel, as they are or as floats from 0 to 1."""
    grey = images.unsqueeze(1)
    return grey if name == "uint8" else grey.float() / 255


def unchanged(way: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Sides]:
    """Both sides of a property that says: this way leads back to the images."""
    return lambda images: (way(images), images)


def unchanged_in_colour(way: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Sides]:
    return lambda images: unchanged(way)(in_colour(images))


def in_colour(images: Tensor) -> Tensor:
    """Each image with the next two as its further channels: (images, 3, 28, 28)."""
    return torch.cat([images, images.roll(-1, 0), images.roll(-2, 0)], dim=1)


# --- Moves: every pixel goes somewhere, none changes ---


def turned(images: Tensor, degrees: float, times: int = 1) -> Tensor:
    for _ in range(times):
        images = functions().rotate(images, degrees)
    return images


def flipped(images: Tensor, *directions: str) -> Tensor:
    for direction in directions:
        images = getattr(functions(), f"{direction}_flip")(images)
    return images


def moves() -> list[Property]:
    f = functions()
    ways: dict[str, Callable[[Tensor], Sides]] = {
        "four quarter turns: the image": lambda x: (turned(x, 90, 4), x),
        "two quarter turns: both flips": lambda x: (turned(x, 90, 2), flipped(x, "horizontal", "vertical")),
        "a quarter turn: `torch.rot90`": lambda x: (turned(x, 90), torch.rot90(x, 1, (2, 3))),
        "two horizontal flips: the image": lambda x: (flipped(x, "horizontal", "horizontal"), x),
        "two vertical flips: the image": lambda x: (flipped(x, "vertical", "vertical"), x),
        "a horizontal flip: columns in reverse": lambda x: (flipped(x, "horizontal"), x.flip(3)),
        "a vertical flip: rows in reverse": lambda x: (flipped(x, "vertical"), x.flip(2)),
        "a crop: a slice": lambda x: (f.crop(x, 3, 5, 20, 16), x[..., 3:23, 5:21]),
        "a centre crop: the slice in the middle": lambda x: (f.center_crop(x, [20, 20]), x[..., 4:24, 4:24]),
        "a padding, then a centre crop: the image": lambda x: (f.center_crop(f.pad(x, [4]), [28, 28]), x),
        "twice the size by nearest pixel: each pixel four times": lambda x: (
            f.resize(x, [56, 56], f.InterpolationMode.NEAREST),
            x[..., torch.arange(56) // 2, :][..., torch.arange(56) // 2],
        ),
    }
    return [Property("moves", name, "transforms", sides) for name, sides in ways.items()]


# --- Neutral: settings that ask for no change, and a change that is its own opposite ---

CORNERS: Final = [[0, 0], [27, 0], [27, 27], [0, 27]]


def neutral() -> list[Property]:
    f = functions()
    grey: dict[str, Callable[[Tensor], Tensor]] = {
        "resized to its own size": lambda x: f.resize(x, [28, 28], antialias=True),
        "turned by 0 degrees": lambda x: turned(x, 0),
        "perspective with its corners unmoved": lambda x: f.perspective(x, CORNERS, CORNERS),
        "brightness times 1": lambda x: f.adjust_brightness(x, 1.0),
        "contrast times 1": lambda x: f.adjust_contrast(x, 1.0),
        "sharpness times 1": lambda x: f.adjust_sharpness(x, 1.0),
        "gamma 1": lambda x: f.adjust_gamma(x, 1.0),
        "inverted twice": lambda x: f.invert(f.invert(x)),
        "grey of three equal channels": lambda x: f.rgb_to_grayscale(x.expand(-1, 3, -1, -1)),
    }
    colour: dict[str, Callable[[Tensor], Tensor]] = {
        "saturation times 1": lambda x: f.adjust_saturation(x, 1.0),
        "hue moved by 0": lambda x: f.adjust_hue(x, 0.0),
        "channels permuted and back": lambda x: f.permute_channels(f.permute_channels(x, [1, 2, 0]), [2, 0, 1]),
    }
    ways = {name: unchanged(way) for name, way in grey.items()}
    ways |= {f"{name}, in colour": unchanged_in_colour(way) for name, way in colour.items()}
    return [Property("neutral", name, "transforms", sides) for name, sides in ways.items()]


# --- Numbers: from whole numbers to floats and back ---

MEAN, STD = 0.2860, 0.3530  # near those of Fashion-MNIST; any would do


def to_float(images: Tensor) -> Tensor:
    scaled: Tensor = functions().to_dtype(images, torch.float32, scale=True)
    return scaled


def by_to_tensor(images: Tensor) -> Tensor:
    """ToTensor of the first version of the transforms, which takes Pillow's images as the data sets give them."""
    from torchvision.transforms import ToTensor

    return torch.stack([ToTensor()(functions().to_pil_image(image)) for image in images])


def by_to_dtype(images: Tensor) -> Tensor:
    """The same by the two that the second version has in its place."""
    v2 = transforms()
    steps = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    return torch.stack([steps(functions().to_pil_image(image)) for image in images])


def normalised_back(images: Tensor) -> Tensor:
    f = functions()
    back: Tensor = f.normalize(f.normalize(images, [MEAN], [STD]), [-MEAN / STD], [1 / STD])
    return back


def over_255(way: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Sides]:
    return lambda images: (way(images), images / 255)


def scaled() -> list[Property]:
    ways = {"ToTensor": by_to_tensor, "ToImage and ToDtype": by_to_dtype}
    return [
        Property("scaled", f"{name}: pixel / 255", "transforms", over_255(way), ("uint8",))
        for name, way in ways.items()
    ]


def numbers() -> list[Property]:
    f = functions()
    return [
        Property(
            "numbers",
            "scaled to floats and back: the image",
            "transforms",
            lambda x: (f.to_dtype(to_float(x), torch.uint8, scale=True), x),
            ("uint8",),
        ),
        Property(
            "numbers", "scaled to floats: pixel / 255", "transforms", lambda x: (to_float(x), x / 255), ("uint8",)
        ),
        Property(
            "numbers",
            "normalised: (pixel - mean) / sd",
            "transforms",
            lambda x: (f.normalize(x, [MEAN], [STD]), (x.double() - MEAN) / STD),
            ("float32",),
        ),
        Property("numbers", "normalised and back: the image", "transforms", unchanged(normalised_back), ("float32",)),
    ]


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


def nearest_of(found: Tensor, choices: Tensor) -> Tensor:
    """Of the choices (images, choices, ...) for each image (images, ...) the one that differs least from it."""
    apart = (choices.double() - found.double().unsqueeze(1)).abs().flatten(2).amax(2)  # (images, choices)
    return choices[torch.arange(len(found)), apart.argmin(1)]


def one_of(found: Tensor, choices: Tensor) -> Sides:
    return found, nearest_of(found, choices)


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
    twice = [
        Property("random", f"{name}, the same seed twice: the same", "transforms", drawn_twice(each, seed), single=True)
        for name, each in random_transforms().items()
    ]
    always, never, crop = v2.RandomHorizontalFlip(1.0), v2.RandomHorizontalFlip(0.0), v2.RandomCrop(28, padding=2)

    return [
        *twice,
        Property("random", "a flip of probability 1: a flip", "transforms", lambda x: (always(x), x.flip(3))),
        Property("random", "a flip of probability 0: the image", "transforms", lambda x: (never(x), x)),
        Property(
            "random",
            "a random flip: the image or its flip",
            "transforms",
            lambda x: one_of(drawn(v2.RandomHorizontalFlip(), x, seed), torch.stack([x, x.flip(3)], 1)),
            single=True,
        ),
        Property(
            "random",
            "a random crop: a window of the padded image",
            "transforms",
            lambda x: one_of(drawn(crop, x, seed), windows(x, 2)),
            single=True,
        ),
    ]


# --- make_grid ---

PADDING: Final = 2
NUM_COLUMNS: Final = 7


def cells_of_grid(images: Tensor) -> Tensor:
    """The images cut out of their grid, where they have to be: (images, 3, rows, columns)."""
    from torchvision.utils import make_grid

    grid = make_grid(images, nrow=NUM_COLUMNS, padding=PADDING)
    rows, columns = images.shape[2:]
    cells = []
    for place in range(len(images)):
        down, across = divmod(place, NUM_COLUMNS)
        top, left = PADDING + down * (rows + PADDING), PADDING + across * (columns + PADDING)
        cells.append(grid[:, top : top + rows, left : left + columns])
    return torch.stack(cells)


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
    return [
        Property(
            "grid",
            f"cell (i, j) of a grid of {NUM_COLUMNS} columns: image {NUM_COLUMNS} i + j, in three channels",
            "utils",
            lambda x: (cells_of_grid(x), x.expand(-1, 3, -1, -1)),
        ),
        Property("grid", "what lies between the cells: 0", "utils", frame_of_grid),
    ]


# --- What a transform does not promise ---


def undone() -> list[Property]:
    f = functions()

    def halved_and_back(images: Tensor) -> Tensor:
        small = f.resize(images, [14, 14], antialias=True)
        large: Tensor = f.resize(small, [28, 28], antialias=True)
        return large

    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "eight turns by 45 degrees": lambda x: turned(x, 45, 8),
        "half the size, then twice": halved_and_back,
        "brightness times 2, then times 1/2": lambda x: f.adjust_brightness(f.adjust_brightness(x, 2.0), 0.5),
        "a crop, then a padding": lambda x: f.pad(f.center_crop(x, [20, 20]), [4]),
    }
    return [Property("undone", name, "transforms", unchanged(way)) for name, way in ways.items()]


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


def property_row(each: Property, format_name: str, images: Tensor) -> dict[str, Any]:
    chunks = (in_format(chunk, format_name) for chunk in images.split(CHUNK))
    return row(each.group, each.name, each.part, format_name, [compared(each.sides(chunk)) for chunk in chunks])


def property_table(images: Tensor, num_single: int, properties: Sequence[Property]) -> pd.DataFrame:
    """One row a property and format: of how many cases it holds exactly, and the largest deviation (grey levels)."""
    return pd.DataFrame(
        [
            property_row(each, format_name, images[:num_single] if each.single else images)
            for each in properties
            for format_name in each.formats
        ]
    )
