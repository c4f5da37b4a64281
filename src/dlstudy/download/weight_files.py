"""Files of published weights: fetched from this machine or the network, and taken only with the right checksum."""

import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from dlstudy.core.base.published import PublishedWeights
from dlstudy.download.sources import Source, download, install, local_folder, retried, run_in_child, workspace


def published_url(weights: PublishedWeights, attempts: int, timeout_seconds: float) -> Source:
    """Where torchvision publishes a file. All attempts together have `timeout_seconds`."""

    def fetch(folder: Path, _files: Collection[str]) -> None:
        run_in_child(fetch_weights, (weights, folder, attempts), timeout_seconds)

    return Source(weights.url, fetch)


def fetch_weights(weights: PublishedWeights, folder: Path, attempts: int) -> None:
    """Download the file by PyTorch's own downloader, which shows progress and knows the checksum."""
    from torch import hub

    file = str(folder / weights.file_name)
    action = functools.partial(hub.download_url_to_file, weights.url, file, hash_prefix=weights.checksum)
    retried(action, attempts)


def hub_folder() -> Source:
    """Where PyTorch keeps the weights that it has downloaded for other programs."""
    from torch import hub

    return local_folder(Path(hub.get_dir()) / "checkpoints")


def download_weights(
    wanted: Sequence[PublishedWeights], target: Path, sources: Callable[[PublishedWeights], Sequence[Source]], hint: str
) -> None:
    """Make `target` the folder of the weights wanted, each as <name>.pth, whole or not at all.

    Each comes from the first of its sources whose file has the published checksum. DownloadError for the first that no
    source has; `hint` ends its message.
    """
    with workspace(target) as room:
        (room / "verified").mkdir()
        for weights in wanted:
            folder = room / weights.name
            download(sources(weights), folder, {weights.file_name: weights.checksum}, hint, label=weights.name)
            (folder / weights.file_name).replace(room / "verified" / f"{weights.name}.pth")
        install(room / "verified", target)
