"""Where the files of a data set of images come from, and what can be done where none of these has them."""

from pathlib import Path

from dlstudy.data.image_sets import IdxSet
from dlstudy.download.params import DownloadParams
from dlstudy.download.sources import DebianPackage, LocalFolder, Source, Torchvision


def image_sources(image_set: IdxSet, params: DownloadParams, folder: str | None) -> list[Source]:
    """The user's folder, if one is named, then torchvision's downloader and Debian's package, where there are such."""
    patience = params.attempts, params.timeout_seconds
    sources: list[Source] = [LocalFolder(Path(folder), image_set.layouts)] if folder else []
    if image_set.torchvision:
        sources.append(Torchvision(image_set.torchvision, *patience))
    if image_set.debian_package:
        sources.append(DebianPackage(image_set.debian_package, image_set.debian_folder, *patience))
    return sources


def image_hint(image_set: IdxSet) -> str:
    """Every way to give the files by hand."""
    folder = f"Put them into a folder (or its {' or its '.join(image_set.layouts)}) and set {image_set.variable} to it"
    if not image_set.debian_package:
        return f"{folder}."
    installed = f"`apt-get install {image_set.debian_package}` puts them into /{image_set.debian_folder}"
    return f"{folder}; on Debian and Ubuntu {installed}."
