"""One's own images: a folder for each class, read by Pillow and made 28 x 28 and grey by torchvision's transforms.

`listed` looks at names alone, which is enough to count images; `read_folder` reads all of them. What is wrong with a
folder is collected and raised as one error.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dlstudy.core.base.errors import DataError
from dlstudy.data.image_sets import SIDE, FolderSet

ENDINGS: Final = (".png", ".jpg", ".jpeg")
PARTS: Final = ("train", "test")
FORMATS: Final = ("PNG", "JPEG")
MOST_CLASSES: Final = 256  # whose numbers fit the format of the files


@dataclass(frozen=True)
class ImageFile:
    """A file below train/ or test/."""

    part: str
    class_name: str
    path: Path


@dataclass(frozen=True)
class Listing:
    """The files of a folder set in the order of their names, and what is wrong with the names."""

    files: list[ImageFile]
    has_test: bool
    problems: list[str]

    def nums(self, part: str) -> Counter[str]:
        """How many images each class of a part has, in the order of the names."""
        return Counter(file.class_name for file in self.files if file.part == part)


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


def listed(folder: Path) -> Listing:
    """The files below train/ and test/; names that begin with a dot are none of ours."""
    if not (folder / "train").is_dir():
        problem = f"{folder / 'train'}: expected a folder with a folder of images for each class, found none"
        return Listing([], has_test=False, problems=[f"{problem}; make train/CLASS/ or correct `path`"])
    listing = Listing([], (folder / "test").exists(), [])
    for part in PARTS if listing.has_test else PARTS[:1]:
        _list_part(folder / part, part, listing)
    listing.problems.extend(_class_problems(folder / "train", folder / "test", listing))
    return listing


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def _list_part(folder: Path, part: str, listing: Listing) -> None:
    problem = listing.problems.append
    if not folder.is_dir():
        problem(f"{folder}: expected a folder, found a file; remove it")
        return
    for class_folder in _visible(folder):
        if not class_folder.is_dir():
            problem(f"{class_folder}: expected a folder of a class, found a file; move it into one")
            continue
        listing.problems.extend(_name_problems(class_folder))
        found = _visible(class_folder)
        if not found:
            problem(f"{class_folder}: expected images, found an empty folder; fill or remove it")
        for path in found:
            if path.is_file() and path.suffix.lower() in ENDINGS:
                listing.files.append(ImageFile(part, class_folder.name, path))
            else:
                what = f"the ending {path.suffix!r}" if path.is_file() else "a folder"
                expected = f"expected an image that ends in {', '.join(ENDINGS)}"
                problem(f"{path}: {expected}, found {what}; convert or remove it")


def _name_problems(folder: Path) -> Iterator[str]:
    """A class name goes through CSV tables and Markdown, and has to come back as it was."""
    import pandas as pd  # half a second, which other data sets are spared

    name = folder.name
    read = pd.read_csv(io.StringIO(pd.DataFrame({"class": [name]}).to_csv(index=False)))["class"].tolist()
    if read != [name] or name != name.strip():
        yield (
            f"{folder}: expected a name that a table cannot take for a number, a truth value or a missing value, "
            f"found {name!r}; rename it, say to 'class {name.strip()}'"
        )
    elif not name.isprintable() or set(name) & set("|<>`"):
        yield f"{folder}: expected a name without line breaks and | < > `, found {name!r}; rename it"


def _class_problems(train: Path, test: Path, listing: Listing) -> Iterator[str]:
    of_train, of_test = listing.nums("train"), listing.nums("test")
    if len(of_train) < 2:
        found = f"only {', '.join(of_train)}" if of_train else "none"
        yield f"{train}: expected at least 2 classes with images, found {found}; add a folder of another class"
    if len(of_train) > MOST_CLASSES:
        yield f"{train}: expected at most {MOST_CLASSES} classes, found {len(of_train)}; merge or remove some"
    for name, num in of_train.items():
        if num < 2:  # one to learn from, one to be tested or validated with
            yield f"{train / name}: expected at least 2 images, found 1; add images or remove the class"
        if listing.has_test and name not in of_test:
            remedy = "add some, or remove test/ to have them drawn"
            yield f"{test / name}: expected images of each class of train, found none; {remedy}"
    for name in of_test:
        if name not in of_train:
            remedy = "add images to train or remove it"
            yield f"{test / name}: expected a class that train has too, found none there; {remedy}"


def num_drawn(num: int, fraction: float) -> int:
    """How many of a class's images are drawn for the test: the fraction, at least one, and not all."""
    return min(max(round(fraction * num), 1), num - 1)


def num_train_images(image_set: FolderSet, folder: Path) -> int:
    """How many images are left for training and validation split; DataError names all that is wrong with the folder."""
    listing = listed(folder)
    if listing.problems:
        read_folder(image_set, folder)  # raises, with what is wrong inside the files too
    nums = listing.nums("train").values()
    return sum(nums) if listing.has_test else sum(num - num_drawn(num, image_set.test_fraction) for num in nums)


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
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def read_folder(image_set: FolderSet, folder: Path) -> FolderImages:
    """All images of a set, in the order of class and file name; DataError has a line for everything that is wrong."""
    from PIL import UnidentifiedImageError

    listing = listed(folder)
    problems, images = list(listing.problems), []
    for file in listing.files:
        try:
            images.append(read_image(file))
        except Exception as error:  # noqa: BLE001, RUF100 - Pillow raises errors of many kinds for damaged files
            found = f"one that Pillow cannot read ({error or type(error).__name__})"
            if isinstance(error, UnidentifiedImageError):  # whose own words are the address of an object
                found = "other content"
            problems.append(f"{file.path}: expected a whole PNG or JPEG image, found {found}; replace or remove it")
    problems += _twice(images, has_test=listing.has_test)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DataError("\n  ".join([f"{folder}: {count}", *problems]))
    train, test = (tuple(image for image in images if image.file.part == part) for part in PARTS)
    if not listing.has_test:
        train, test = drawn_test(train, image_set.test_fraction, image_set.seed)
    return FolderImages(tuple(listing.nums("train")), train, test)


def _twice(images: Sequence[ReadImage], *, has_test: bool) -> Iterator[str]:
    """Images that would be, or could come to be, in both train and test."""
    first: dict[str, ReadImage] = {}
    for image in images:
        known = first.setdefault(image.content, image)
        if known is image or (has_test and known.file.part == image.file.part):
            continue
        where = "train and test" if has_test else "train, of which the test images are drawn"
        found = f"the image {known.file.path} again"
        yield f"{image.file.path}: expected each image once in {where}, found {found}; remove one of them"


def drawn_test(
    images: Sequence[ReadImage], fraction: float, seed: int
) -> tuple[tuple[ReadImage, ...], tuple[ReadImage, ...]]:
    """The images of train and of test: of each class the same fraction, those whose seeded checksums come first.

    A checksum is as good as a random number here, and needs no torch; an image that is added moves few others.
    """
    by_chance = sorted(images, key=lambda image: hashlib.sha256(f"{seed} {image.content}".encode()).digest())
    chosen: set[Path] = set()
    for name in {image.file.class_name for image in images}:
        own = [image.file.path for image in by_chance if image.file.class_name == name]
        chosen.update(own[: num_drawn(len(own), fraction)])
    rest, test = (tuple(each for each in images if (each.file.path in chosen) == inside) for inside in (False, True))
    return rest, test
