"""Parameters of the features stages: one entry a frozen network."""

from pydantic import ValidationInfo, field_validator

from dlstudy.params.base import DownloadedWeights, NumRows, PositiveInt, Section


class FeaturesParams(Section):
    """What a network with published weights makes of the images, before its last layer.

    The defaults take ResNet-18 about a minute on two cores.
    """

    weights: DownloadedWeights
    resolution: PositiveInt = 64  # pixels a side, to which images are resized
    num_images: NumRows = 10_000  # the first of the training split; validation and test images all

    @field_validator("num_images")
    @classmethod
    def _within_the_training_split(cls, num_images: int, info: ValidationInfo) -> int:
        rows = (info.context or {}).get("num_training_rows", {}).get("images")
        if rows is not None and num_images > rows:
            raise ValueError(f"expected at most {rows}, the training split of images, found {num_images}")
        return num_images
