"""Files that others publish, known by their SHA-256: those of a raw data set, and weights of torchvision."""

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dlstudy.core.base.errors import DataError, StudyError

CHECKSUM_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *]([^/\s]+)")


def read_checksums(path: Path) -> dict[str, str]:
    """SHA-256 by file name, from the SHA256SUMS of a raw data set; DataError names file and line at fault."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: expected a list of checksums, found none") from None
    checksums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = CHECKSUM_LINE.fullmatch(line)
        if match is None:
            raise DataError(f"{path}, line {number}: expected '<64 hex digits>  <file name>', found {line!r}")
        if match[2] in checksums:
            raise DataError(f"{path}, line {number}: expected each file once, found {match[2]} again")
        checksums[match[2]] = match[1]
    if not checksums:
        raise DataError(f"{path}: expected at least one line '<64 hex digits>  <file name>', found none")
    return checksums


# --- Weights ---


class WeightsError(StudyError):
    """Weights are unknown, or a file of weights is damaged or wrong."""


@dataclass(frozen=True)
class PublishedWeights:
    """Weights as torchvision publishes them."""

    name: str  # "ResNet18_Weights.IMAGENET1K_V1"
    builder: str  # of their network: "resnet18"
    url: str

    @property
    def file_name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def checksum(self) -> str:
        """The first hexadecimal digits of the file's SHA-256, which end its name."""
        match = re.search(r"-([0-9a-f]{8,64})\.pth$", self.file_name)
        if match is None:
            raise WeightsError(f"{self.name}: expected a file name that ends in a checksum, found {self.file_name}")
        return match[1]


def weights_entry(name: str) -> tuple[str, Any]:
    """The builder of a network and torchvision's entry of its weights; WeightsError suggests names like an unknown."""
    from torchvision import models

    known = {
        f"{type(entry).__name__}.{entry.name}": (builder, entry)
        for builder in models.list_models(module=models)
        for entry in models.get_model_weights(builder)
    }
    if name not in known:
        close = ", ".join(difflib.get_close_matches(name, known, n=3)) or "none like it"
        raise WeightsError(f"{name}: expected weights of torchvision's image classifiers ({close}), found no such name")
    return known[name]


def published_weights(name: str) -> PublishedWeights:
    """What torchvision says of weights by their name."""
    builder, entry = weights_entry(name)
    return PublishedWeights(name, builder, entry.url)


def verify(path: Path, weights: PublishedWeights) -> None:
    """WeightsError unless the file's SHA-256 begins as its published name says."""
    if not path.is_file():
        raise WeightsError(f"{path}: expected the file {weights.file_name}, found none; `dvc repro` fetches it")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(weights.checksum):
        raise WeightsError(f"{path}: expected SHA-256 {weights.checksum}... ({weights.file_name}), found {found}")
