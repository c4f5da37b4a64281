"""Fill data/raw/<name>/ with the verified files of a raw data set: `python -m stages.download <name>`."""

import argparse
import os
from pathlib import Path

from dlstudy.core.base.params import load_section
from dlstudy.core.base.published import read_checksums
from dlstudy.data.image_sets import DATASETS, FolderSet, load_image_set
from dlstudy.data.params import ImagesParams
from dlstudy.download.images import fill_from_folder, image_hint, image_sources
from dlstudy.download.params import DownloadParams
from dlstudy.download.sources import download, repository_folder

RAW = Path("data/raw")


def fill_housing() -> None:
    shipped = DATASETS / "housing"
    hint = f"Restore them by `git checkout -- {shipped}`."
    download([repository_folder(shipped)], RAW / "housing", read_checksums(shipped / "SHA256SUMS"), hint)


def fill_images() -> None:
    image_set = load_image_set(load_section("prepare.images", ImagesParams).dataset)
    if isinstance(image_set, FolderSet):
        fill_from_folder(image_set, image_set.folder(), RAW / "images")
        return
    checksums = read_checksums(DATASETS / image_set.dataset / "SHA256SUMS")
    sources = image_sources(image_set, load_section("download", DownloadParams), os.environ.get(image_set.variable))
    download(sources, RAW / "images", checksums, image_hint(image_set))


FILL = {"images": fill_images, "housing": fill_housing}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=FILL)
    FILL[parser.parse_args().name]()


if __name__ == "__main__":
    main()
