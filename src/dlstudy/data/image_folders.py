"""One's own images: a folder for each class, read by Pillow and made 28 x 28 and grey by torchvision's transforms.

`listed` looks at names alone, which is enough to count images; `read_folder` reads all of them. What is wrong with a
folder is collected and raised as one error.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from dlstudy.core.errors import DataError
from dlstudy.data.image_sets import SIDE, FolderSet

ENDINGS: Final = (".png", ".jpg", ".jpeg")
PARTS: Final = ("train", "test")
FORMATS: Final = ("PNG", "JPEG")
MIN_OF_A_CLASS: Final = 2  # one to learn from, one to be tested or validated with
MOST_CLASSES: Final = 256  # whose numbers fit the format of the files
WHITE: Final = (255, 255, 255, 255)


@dataclass(frozen=True)
class ImageFile:
    """A file below train/ or test/."""

    part: str
    class_name: str
    path: Path


@dataclass(frozen=True)
class Listing:
    """The files of a folder set in the order of their names, and what is wrong with the names."""

    files: tuple[ImageFile, ...]
    has_test: bool
    problems: tuple[str, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(sorted({file.class_name for file in self.files if file.part == "train"}))

    def num_of(self, part: str, class_name: str) -> int:
        return sum((file.part, file.class_name) == (part, class_name) for file in self.files)


@dataclass(frozen=True)
class ReadImage:
    """An image as the study sees it, and what it was."""

    file: ImageFile
    pixels: npt.NDArray[np.uint8]  # (28, 28)
    size: tuple[int, int]  # width and height of the original
    grey: bool
    sha256: str  # of the file
    content: str  # a checksum of the original's pixels, whatever the name and the compression


@dataclass(frozen=True)
class FolderImages:
    """All images of a set, divided into those of train and those of test."""

    class_names: tuple[str, ...]
    train: tuple[ReadImage, ...]
    test: tuple[ReadImage, ...]


# --- names ---------------------------------------------------------------------------------------


def listed(folder: Path) -> Listing:
    """The files below train/ and test/; names that begin with a dot are none of ours."""
    if not (folder / "train").is_dir():
        problem = f"{folder / 'train'}: expected a folder with a folder of images for each class, found none"
        return Listing((), has_test=False, problems=(f"{problem}; make train/CLASS/ or correct `path`",))
    files: list[ImageFile] = []
    problems: list[str] = []
    has_test = (folder / "test").exists()
    for part in PARTS if has_test else PARTS[:1]:
        _list_part(folder / part, part, files, problems)
    counts = {part: _counts(files, part) for part in PARTS}
    problems += _class_problems(folder, counts, has_test=has_test)
    return Listing(tuple(files), has_test, tuple(problems))


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def _list_part(folder: Path, part: str, files: list[ImageFile], problems: list[str]) -> None:
    if not folder.is_dir():
        problems.append(f"{folder}: expected a folder, found a file; remove it")
        return
    for class_folder in _visible(folder):
        if not class_folder.is_dir():
            problems.append(f"{class_folder}: expected a folder of a class, found a file; move it into one")
            continue
        problems += _name_problems(class_folder)
        found = _visible(class_folder)
        if not found:
            problems.append(f"{class_folder}: expected images, found an empty folder; fill or remove it")
        for path in found:
            if path.is_file() and path.suffix.lower() in ENDINGS:
                files.append(ImageFile(part, class_folder.name, path))
            else:
                what = f"the ending {path.suffix!r}" if path.is_file() else "a folder"
                problems.append(
                    f"{path}: expected an image that ends in {', '.join(ENDINGS)}, found {what}; convert or remove it"
                )


def _name_problems(folder: Path) -> Iterator[str]:
    """A class name goes through CSV tables and Markdown, and has to come back as it was."""
    name = folder.name
    read = pd.read_csv(io.StringIO(pd.DataFrame({"class": [name]}).to_csv(index=False)))["class"].tolist()
    if read != [name] or name != name.strip():
        yield (
            f"{folder}: expected a name that a table cannot take for a number, a truth value or a missing value, "
            f"found {name!r}; rename it, say to 'class {name.strip()}'"
        )
    elif not name.isprintable() or set(name) & set("|<>`"):
        yield f"{folder}: expected a name without line breaks and | < > `, found {name!r}; rename it"


def _counts(files: Iterable[ImageFile], part: str) -> dict[str, int]:
    names = [file.class_name for file in files if file.part == part]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _class_problems(folder: Path, counts: Mapping[str, Mapping[str, int]], *, has_test: bool) -> Iterator[str]:
    train, test = counts["train"], counts["test"]
    if len(train) < MIN_OF_A_CLASS:
        found = f"only {', '.join(train)}" if train else "none"
        yield f"{folder / 'train'}: expected at least 2 classes with images, found {found}; add a folder of another class"
    if len(train) > MOST_CLASSES:
        yield f"{folder / 'train'}: expected at most {MOST_CLASSES} classes, found {len(train)}; merge or remove some"
    for name, num in train.items():
        if num < MIN_OF_A_CLASS:
            yield f"{folder / 'train' / name}: expected at least 2 images, found 1; add images or remove the class"
        if has_test and name not in test:
            yield (
                f"{folder / 'test' / name}: expected images of each class of train, found none; "
                "add some, or remove test/ to have them drawn"
            )
    for name in test:
        if name not in train:
            yield (
                f"{folder / 'test' / name}: expected a class that train has too, found none there; "
                "add images to train or remove it"
            )


# --- sizes ---------------------------------------------------------------------------------------


def num_drawn(num: int, fraction: float) -> int:
    """How many of a class's images are drawn for the test: the fraction, at least one, and not all."""
    return min(max(round(fraction * num), 1), num - 1)


def num_train_images(image_set: FolderSet, folder: Path) -> int:
    """How many images are left for training and validation split; DataError names all that is wrong with the folder."""
    listing = listed(folder)
    if listing.problems:
        read_folder(image_set, folder)  # raises, with what is wrong inside the files too
    nums = [listing.num_of("train", name) for name in listing.class_names]
    return sum(nums) if listing.has_test else sum(num - num_drawn(num, image_set.test_fraction) for num in nums)


# --- images --------------------------------------------------------------------------------------


def read_image(file: ImageFile) -> ReadImage:
    """The image 28 x 28 and grey: turned as its camera says, on white where transparent, then resized.

    OSError or another exception of Pillow if the file is not a whole image in one of `FORMATS`.
    """
    from PIL import Image, ImageOps
    from torchvision.transforms.v2 import functional as f

    content = file.path.read_bytes()
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        image: Any = ImageOps.exif_transpose(opened)
        grey = _grey(image)
    known = hashlib.sha256(repr(image.size).encode() + image.convert("RGBA").tobytes())
    small = f.resize(f.to_grayscale(grey), [SIDE, SIDE], antialias=True)
    return ReadImage(
        file=file,
        pixels=np.asarray(small, dtype=np.uint8),
        size=image.size,
        grey=image.mode in ("1", "L") or image.mode.startswith("I"),
        sha256=hashlib.sha256(content).hexdigest(),
        content=known.hexdigest(),
    )


def _grey(image: Any) -> Any:
    """The image without transparency and with 8 bits a channel, as torchvision's transforms take it."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits; Pillow's own conversion would cut off all above 255
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image.convert("RGBA"))
    return image.convert("RGB")


def read_folder(image_set: FolderSet, folder: Path) -> FolderImages:
    """All images of a set, in the order of class and file name; DataError has a line for everything that is wrong."""
    listing = listed(folder)
    problems, images = list(listing.problems), []
    for file in listing.files:
        try:
            images.append(read_image(file))
        except Exception as error:  # noqa: BLE001, RUF100 - Pillow raises errors of many kinds for damaged files
            problems.append(f"{file.path}: expected a whole PNG or JPEG image, found {_reason(error)}; replace or remove it")
    problems += _twice(images, has_test=listing.has_test)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DataError("\n  ".join([f"{folder}: {count}", *problems]))
    train, test = (tuple(image for image in images if image.file.part == part) for part in PARTS)
    if not listing.has_test:
        train, test = drawn_test(train, image_set.test_fraction, image_set.seed)
    return FolderImages(listing.class_names, train, test)


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):  # whose own words are the address of an object
        return "other content"
    return f"one that Pillow cannot read ({error or type(error).__name__})"


def _twice(images: Sequence[ReadImage], *, has_test: bool) -> Iterator[str]:
    """Images that would be, or could come to be, in both train and test."""
    first: dict[str, ReadImage] = {}
    for image in images:
        known = first.setdefault(image.content, image)
        if known is image or (has_test and known.file.part == image.file.part):
            continue
        where = "train and test" if has_test else "train, of which the test images are drawn"
        yield (
            f"{image.file.path}: expected each image once in {where}, found the image {known.file.path} again; "
            "remove one of them"
        )


def drawn_test(
    images: Sequence[ReadImage], fraction: float, seed: int
) -> tuple[tuple[ReadImage, ...], tuple[ReadImage, ...]]:
    """The images of train and of test: of each class the same fraction, those whose seeded checksums come first.

    A checksum is as good as a random number here, and needs no torch; an image that is added moves few others.
    """
    chosen: set[Path] = set()
    for name in sorted({image.file.class_name for image in images}):
        own = [image for image in images if image.file.class_name == name]
        own.sort(key=lambda image: hashlib.sha256(f"{seed} {image.content}".encode()).digest())
        chosen |= {image.file.path for image in own[: num_drawn(len(own), fraction)]}
    rest, test = (tuple(each for each in images if (each.file.path in chosen) == inside) for inside in (False, True))
    return rest, test
