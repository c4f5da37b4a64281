"""Fill data/weights/ with the published weights that `download.weights` names, verified."""

import os
from pathlib import Path

from dlstudy.core.base.artifacts import write_text
from dlstudy.core.base.params import PARAMS_FILE, load_section, problems_error
from dlstudy.core.base.published import PublishedWeights, WeightsError, published_weights
from dlstudy.download.params import DownloadParams
from dlstudy.download.sources import Source, local_folder
from dlstudy.download.weight_files import download_weights, hub_folder, published_url

VARIABLE = "DLSTUDY_WEIGHTS"


def sources(weights: PublishedWeights, params: DownloadParams) -> list[Source]:
    named = os.environ.get(VARIABLE)
    return [
        *([local_folder(Path(named))] if named else []),
        hub_folder(),
        published_url(weights, params.attempts, params.timeout_seconds),
    ]


if __name__ == "__main__":
    params = load_section("download", DownloadParams)
    try:
        wanted = [published_weights(name) for name in params.weights]
    except WeightsError as error:
        raise problems_error(PARAMS_FILE, [f"download.weights: {error}"]) from None
    hint = "\n  ".join(
        [
            "Try again where there is a network, or put all files of download.weights into a folder and set "
            f"{VARIABLE}=/path/to/folder:",
            *(f"{weights.file_name}, from {weights.url}" for weights in wanted),
        ]
    )
    download_weights(wanted, Path("data/weights"), lambda weights: sources(weights, params), hint)
    # Always the same content, so that every training can wait for the weights and none runs again for a longer list.
    write_text(Path("data/weights_check.txt"), "the weights that download.weights names are in data/weights\n")
