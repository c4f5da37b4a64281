"""Fill data/raw/<name>/ with the verified files of a raw data set: `python -m stages.download <name>`."""

import argparse
import os
from pathlib import Path

from dlstudy.data.checksums import read_checksums
from dlstudy.data.sources import DebianPackage, LocalFolder, Shipped, Source, Torchvision
from dlstudy.data.sources import download as fill
from dlstudy.params.base import load_section
from dlstudy.params.data import DownloadParams

VARIABLE = "DLSTUDY_FASHION_MNIST"
PACKAGE, PACKAGE_FOLDER = "dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"
FOLDERS = {"images": "fashion_mnist", "housing": "housing"}
HINTS = {
    "images": f"Put them into a folder and set {VARIABLE}=/path/to/folder; "
    f"on Debian and Ubuntu `apt-get install {PACKAGE}` puts them into /{PACKAGE_FOLDER}.",
    "housing": "Restore them by `git checkout -- datasets/housing`.",
}


def sources(name: str, params: DownloadParams) -> list[Source]:
    if name == "housing":
        return [Shipped(Path("datasets/housing"))]
    named = os.environ.get(VARIABLE)
    return [
        *([LocalFolder(Path(named), layouts=("raw", "FashionMNIST/raw"))] if named else []),
        Torchvision("FashionMNIST", params.attempts, params.timeout_seconds),
        DebianPackage(PACKAGE, PACKAGE_FOLDER, params.attempts, params.timeout_seconds),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=HINTS)
    name = parser.parse_args().name
    checksums = read_checksums(Path("datasets") / FOLDERS[name] / "SHA256SUMS")
    params = load_section("download", DownloadParams)
    fill(sources(name, params), Path("data/raw") / name, checksums, HINTS[name])


if __name__ == "__main__":
    main()
