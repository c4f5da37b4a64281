"""What a set of images is: `datasets/NAME/dataset.yaml`, NAME being what params.yaml says.

`kind: idx` is a set in the format of MNIST, whose files are downloaded; `kind: folder` is a folder of images for each
class. Another set is another folder below datasets/. torch is not imported, since parameters are checked and reports
are written without it.

The format of MNIST is IDX: a big-endian header, then the bytes of one array in row-major order. Header: two zero bytes,
a byte for the type of the elements (8: unsigned byte), a byte for the number of dimensions, then the size of each
dimension as a 32-bit integer. Source: the format's description by the authors of MNIST.
"""

import math
import struct
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, PrivateAttr, TypeAdapter

from dlstudy.core.base.errors import DataError
from dlstudy.core.base.params import (
    Fraction,
    Items,
    ParamsError,
    PositiveInt,
    Section,
    Seed,
    each_once,
    read_yaml,
    validated,
)

DATASETS: Final = Path("datasets")
FILE: Final = "dataset.yaml"
SIDE: Final = 28
"""Pixels: the rows and the columns of an image, whatever set it is of."""

NonEmpty = Annotated[str, Field(min_length=1)]
ClassNames = Annotated[Items[NonEmpty], Field(min_length=2), AfterValidator(partial(each_once, what="class name"))]


class _Described(Section):
    """What pages say of any set of images."""

    name: NonEmpty  # as readers know it
    _dataset: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        self._dataset = (context or {}).get("dataset", "")

    @property
    def dataset(self) -> str:
        """The name in params.yaml, and of the folder below datasets/."""
        return self._dataset

    @property
    def anchor(self) -> str:
        """Its section in the data sheet: what GitHub makes of a heading."""
        kept = (each for each in self.name.lower() if each.isalnum() or each in " -_")
        return "".join(kept).replace(" ", "-")


class IdxSet(_Described):
    """Images and classes in four files in the format of MNIST, known by the checksums in SHA256SUMS."""

    kind: Literal["idx"]
    class_names: ClassNames
    thing: NonEmpty  # what one image shows: "each of ..."
    kinds: NonEmpty  # what the classes are: "ten ..."
    origin: NonEmpty  # who made it, its licence, its paper
    num_train: PositiveInt  # images that are not the test split; the download's checksums make sure
    num_test: PositiveInt
    torchvision: str = ""  # the class of torchvision.datasets that downloads it, if one does
    debian_package: str = ""  # that has the files, if one has
    debian_folder: str = ""  # where it puts them

    @property
    def slug(self) -> str:
        """The name in lower case, as part of other names."""
        return self.name.lower().replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that names a folder with its files."""
        return f"DLSTUDY_{self.slug.upper()}"

    @property
    def layouts(self) -> tuple[str, ...]:
        """Where below such a folder torchvision would have put the files."""
        return "raw", f"{self.dataset}/raw"

    @property
    def page(self) -> str:
        """The file that describes it, relative to the root of the checkout."""
        return f"datasets/{self.slug}.md"


class FolderSet(_Described):
    """Images in a folder for each class, below train/ and, where the test images are chosen by hand, test/."""

    kind: Literal["folder"]
    path: str = ""  # the folder that holds train/; by default the one of dataset.yaml
    thing: str = ""
    kinds: str = "classes"
    origin: str = ""
    test_fraction: Fraction = 0.2  # of each class, where there is no folder test/
    seed: Seed = 0  # of the choice of these test images

    def folder(self, datasets: Path = DATASETS) -> Path:
        """Where the images are; a relative `path` starts at the folder of dataset.yaml."""
        return datasets / self.dataset / Path(self.path).expanduser()

    @property
    def page(self) -> str:
        """The file that describes it, relative to the root of the checkout."""
        return f"datasets/{self.dataset}/{FILE}"


ImageSet = IdxSet | FolderSet

_ADAPTER: Final[TypeAdapter[ImageSet]] = TypeAdapter(Annotated[ImageSet, Field(discriminator="kind")])


def image_set_names(datasets: Path = DATASETS) -> list[str]:
    """The sets that params.yaml may name."""
    return sorted(path.parent.name for path in datasets.glob(f"*/{FILE}"))


def load_image_set(name: str, datasets: Path = DATASETS) -> ImageSet:
    """The set of this name; ParamsError if there is none, or with a line for each problem of its dataset.yaml."""
    path = datasets / name / FILE
    if name not in (known := image_set_names(datasets)):
        raise ParamsError(f"expected {' or '.join(known)}, which have a {FILE} in {datasets}, found {name!r}")
    return validated(read_yaml(path), _ADAPTER, path=path, context={"dataset": name})


# --- Their files ---

DIMENSIONS: Final = {b"\x00\x00\x08\x01": 1, b"\x00\x00\x08\x03": 3}
"""Number of dimensions by magic number: labels (items,) and images (items, rows, columns), unsigned bytes."""


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array in an IDX1 file (items,) or IDX3 file (items, rows, columns), writable.

    DataError if the file is missing, has another magic number, a truncated header, or more or fewer bytes
    than its dimensions ask for.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: expected an IDX file, found none") from None
    magic = content[:4]
    if magic not in DIMENSIONS:
        known = " or ".join(known.hex() for known in DIMENSIONS)
        raise DataError(f"{path}: expected magic number {known}, found {magic.hex() or 'nothing'}")
    start = 4 + 4 * DIMENSIONS[magic]
    if len(content) < start:
        raise DataError(f"{path}: expected a header of {start} bytes, found {len(content)}")
    shape = struct.unpack(f">{DIMENSIONS[magic]}I", content[4:start])
    if len(content) - start != math.prod(shape):
        size = f"{start} + {' x '.join(map(str, shape))} = {start + math.prod(shape)} bytes"
        raise DataError(f"{path}: expected {size} as its header says, found {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """The array as an IDX file: what `read_idx` reads."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()
