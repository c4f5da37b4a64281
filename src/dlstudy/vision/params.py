"""Parameters of torchvision's networks: trained, an entry of `vision` each, or frozen, an entry of `features` each."""

from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from dlstudy.core.base.params import (
    DownloadedWeights,
    Items,
    NumRows,
    NumTrainingImages,
    PositiveFloat,
    PositiveInt,
    Section,
    within_split,
)

BuilderName = Annotated[str, Field(pattern=r"^(alexnet|vgg(11|13|16|19)(_bn)?|resnet(18|34|50|101|152))$")]
AugmentationName = Literal["flip", "shift", "rotation", "brightness", "erasing"]

LEAST_RESOLUTION: Final = (("alexnet", 63), ("vgg", 32), ("resnet", 1))
"""Pixels a side, by how the builder's name begins, below which a pooling has nothing left to pool."""


class VisionParams(Section):
    """A network of torchvision.models, adapted to the images, trained by Adam or SGD with momentum on a budget."""

    method: Literal["vision"] = "vision"
    data: Literal["images"]
    builder: BuilderName  # torchvision's function that builds it
    weights: DownloadedWeights | None  # by their name in torchvision's weights API, one of download.weights; or none
    resolution: Annotated[int, Field(le=512)]  # pixels a side that the images are resized to
    classifier_width: Annotated[int | None, Field(gt=0)]  # of AlexNet's and VGG's hidden layers after the convolutions
    dropout: Annotated[float, Field(ge=0, lt=1)]  # share of the classifier's hidden units that a step leaves out
    num_images: NumRows  # the first of the training split
    num_validation_images: NumRows  # the first of the validation split
    num_epochs: PositiveInt
    looks: PositiveInt  # at the validation images in an epoch, in even steps, the last at its end
    batch_size: Annotated[int, Field(ge=2)]
    lr: PositiveFloat  # the largest: reached after `warmup`, falling linearly to 0 from there
    warmup: Annotated[float, Field(ge=0, lt=1)]  # share of all steps in which the learning rate rises linearly from 0
    optimiser: Literal["sgd", "adam"]  # SGD with Nesterov's momentum; Adam with decoupled weight decay
    momentum: Annotated[float, Field(ge=0, lt=1)]  # of SGD; of Adam its first beta
    weight_decay: Annotated[float, Field(ge=0)]
    augmentation: Items[AugmentationName]  # of the training images, one after the other
    num_seeds: PositiveInt  # the first of `seeds`, or all if they are fewer
    keep_weights: bool = False  # in a folder that neither DVC nor Git tracks

    @field_validator("weights")
    @classmethod
    def _are_of_the_builder(cls, weights: str | None, info: ValidationInfo) -> str | None:
        builder = info.data.get("builder")
        if weights is not None and builder is not None and weights.partition("_Weights.")[0].lower() != builder:
            raise ValueError(f"expected weights of {builder}, found {weights!r}")
        return weights

    @field_validator("resolution")
    @classmethod
    def _leaves_something_after_the_last_pooling(cls, resolution: int, info: ValidationInfo) -> int:
        builder = info.data.get("builder")
        least = 1 if builder is None else next(size for name, size in LEAST_RESOLUTION if builder.startswith(name))
        if resolution < least:
            raise ValueError(f"expected {least} at least, what {builder}'s poolings need, found {resolution}")
        return resolution

    @field_validator("classifier_width")
    @classmethod
    def _where_the_classifier_is_ours(cls, width: int | None, info: ValidationInfo) -> int | None:
        if not {"builder", "weights"} <= info.data.keys():  # what is wrong with those is told
            return width
        builder, weights = info.data["builder"], info.data["weights"]
        ours = weights is None and not builder.startswith("resnet")
        if ours and width is None:
            raise ValueError(f"expected a width for the classifier of {builder}, found none")
        if not ours and width is not None:
            reason = "which has no hidden layers after its convolutions" if weights is None else "as it was trained"
            raise ValueError(f"expected none for {builder}, {reason}, found {width}")
        return width

    @field_validator("dropout")
    @classmethod
    def _where_units_can_be_left_out(cls, dropout: float, info: ValidationInfo) -> float:
        builder = info.data.get("builder", "")
        if dropout and builder.startswith("resnet"):
            raise ValueError(f"expected 0 for {builder}, whose classifier has no hidden units, found {dropout:g}")
        return dropout

    @field_validator("num_images", "num_validation_images")
    @classmethod
    def _within_the_split(cls, num: int, info: ValidationInfo) -> int:
        split = "training" if info.field_name == "num_images" else "validation"
        return within_split(num, info, "images", split)

    @field_validator("batch_size")
    @classmethod
    def _leaves_no_image_alone(cls, batch_size: int, info: ValidationInfo) -> int:
        num = info.data.get("num_images")
        if num is not None and batch_size > num:
            raise ValueError(f"expected at most num_images, {num}, found {batch_size}")
        if num is not None and num % batch_size == 1:
            raise ValueError(
                f"expected a size that leaves no single image of {num} over, which batch normalisation cannot "
                f"normalise, found {batch_size}"
            )
        return batch_size


class FeaturesParams(Section):
    """What a network with published weights makes of the images, before its last layer.

    The defaults take ResNet-18 about a minute on two cores.
    """

    weights: DownloadedWeights
    resolution: PositiveInt = 64  # pixels a side, to which images are resized
    num_images: Annotated[NumTrainingImages, Field(ge=2)] = 10_000  # the first of the training split; of the others all
