"""Where the images come from: sources of a published set, or a folder of one's own, written in the format of MNIST.

What reads the files of a downloaded set reads those of a folder too.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from dlstudy.core.base.artifacts import write_bytes, write_csv, write_json
from dlstudy.data.image_folders import FolderImages, ReadImage, read_folder
from dlstudy.data.image_sets import FolderSet, IdxSet, idx_bytes
from dlstudy.download.params import DownloadParams
from dlstudy.download.sources import Source, debian_package, install, local_folder, say, torchvision_download, workspace


def image_sources(image_set: IdxSet, params: DownloadParams, folder: str | None) -> list[Source]:
    """The user's folder, if one is named, then torchvision's downloader and Debian's package, where there are such."""
    patience = params.attempts, params.timeout_seconds
    sources: list[Source] = [local_folder(Path(folder), image_set.layouts)] if folder else []
    if image_set.torchvision:
        sources.append(torchvision_download(image_set.torchvision, *patience))
    if image_set.debian_package:
        sources.append(debian_package(image_set.debian_package, image_set.debian_folder, *patience))
    return sources


def image_hint(image_set: IdxSet) -> str:
    """Every way to give the files by hand."""
    folder = f"Put them into a folder (or its {' or its '.join(image_set.layouts)}) and set {image_set.variable} to it"
    if not image_set.debian_package:
        return f"{folder}."
    installed = f"`apt-get install {image_set.debian_package}` puts them into /{image_set.debian_folder}"
    return f"{folder}; on Debian and Ubuntu {installed}."


PARTS: Final = {"train": "train", "t10k": "test"}
"""Our word for each part of the files."""


def fill_from_folder(image_set: FolderSet, folder: Path, target: Path) -> None:
    """Make the folder `target` the images of a set, without a download; it appears whole or not at all.

    Four files in the format of MNIST; files.csv, which file each image is of, in the same order; and about.json. The
    same images make the same bytes. DataError names everything that is wrong with the folder.
    """
    with workspace(target) as room:
        images = read_folder(image_set, folder)
        written = room / "images"
        written.mkdir()
        checksums = write_parts(images, written)
        write_csv(written / "files.csv", file_table(images, folder))
        write_json(written / "about.json", about(images, image_set) | {"checksums": checksums})
        install(written, target)
    say(f"{target.name}: {len(images.train) + len(images.test)} verified images from {folder}")


def write_parts(images: FolderImages, target: Path) -> dict[str, str]:
    """Write images and classes of both parts; SHA-256 of each file by its name."""
    number = {name: place for place, name in enumerate(images.class_names)}
    contents: dict[str, bytes] = {}
    for part, word in PARTS.items():
        own: Sequence[ReadImage] = getattr(images, word)
        contents[f"{part}-images-idx3-ubyte"] = idx_bytes(np.stack([image.pixels for image in own]))
        labels = np.array([number[image.file.class_name] for image in own], dtype=np.uint8)
        contents[f"{part}-labels-idx1-ubyte"] = idx_bytes(labels)
    for name, content in contents.items():
        write_bytes(target / name, content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}


def file_table(images: FolderImages, folder: Path) -> pd.DataFrame:
    """One row per image in the order of the files: part, class, the file below the set's folder, size, checksum."""
    rows = [
        (part, image.file.class_name, image.file.path.relative_to(folder).as_posix(), *image.size, image.sha256)
        for part, word in PARTS.items()
        for image in getattr(images, word)
    ]
    return pd.DataFrame(rows, columns=["part", "class", "file", "width", "height", "sha256"])


def about(images: FolderImages, image_set: FolderSet) -> dict[str, object]:
    """What the study has to know of the set beside its pixels."""
    everything = [*images.train, *images.test]
    sizes = sorted({image.size for image in everything}, key=lambda size: (size[0] * size[1], size))
    drawn = all(image.file.part == "train" for image in images.test)
    return {
        "class_names": list(images.class_names),
        "test": {"fraction": image_set.test_fraction, "seed": image_set.seed} if drawn else {},
        "smallest": list(sizes[0]),
        "largest": list(sizes[-1]),
        "num_in_colour": sum(not image.grey for image in everything),
    }
