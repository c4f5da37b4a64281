"""Parameters of the features stages: one entry a frozen network."""

from typing import Annotated

from pydantic import Field

from dlstudy.params.base import DownloadedWeights, NumTrainingImages, PositiveInt, Section


class FeaturesParams(Section):
    """What a network with published weights makes of the images, before its last layer.

    The defaults take ResNet-18 about a minute on two cores.
    """

    weights: DownloadedWeights
    resolution: PositiveInt = 64  # pixels a side, to which images are resized
    num_images: Annotated[NumTrainingImages, Field(ge=2)] = 10_000  # the first of the training split; of the others all
