"""Parameters of the experiment on activations of the outputs, mixed activations, and deep sigmoid networks."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.params import (
    Fraction,
    Items,
    NumTrainingImages,
    PositiveFloat,
    PositiveInt,
    Section,
    ascending,
    rows_of,
    within_split,
)
from dlstudy.training.params import Seeds

LearningRates = Annotated[Items[PositiveFloat], Field(min_length=3), AfterValidator(ascending)]


def _two_at_least(batch_size: int, info: ValidationInfo) -> int:
    """Batch normalisation divides by the spread within a minibatch, and one image has none."""
    rows = rows_of(info, "images") or 0
    if batch_size == 1 or rows % batch_size == 1:
        sizes = f"{batch_size}, of {rows} images" if rows else str(batch_size)
        raise ValueError(
            f"expected minibatches, the last of an epoch too, of 2 images at least, for batch normalisation, "
            f"found one of 1 (minibatches of {sizes})"
        )
    return batch_size


class PriceParams(Section):
    """A small perceptron for the price of a house, with and without ReLU on its output."""

    hidden: Annotated[Items[PositiveInt], Field(min_length=1)]
    batch_size: PositiveInt
    num_epochs: PositiveInt
    learning_rates: LearningRates
    tuning_seeds: Seeds

    @field_validator("batch_size")
    @classmethod
    def _within_the_training_split(cls, batch_size: int, info: ValidationInfo) -> int:
        return within_split(batch_size, info, "housing")


class OutputsParams(Section):
    """Perceptrons for images that differ in where they have which activation, each with a tuned learning rate."""

    width: Annotated[int, Field(ge=2)]  # of every hidden layer
    batch_size: Annotated[NumTrainingImages, AfterValidator(_two_at_least)]
    num_epochs: PositiveFloat  # passes over the training split; half an epoch is 0.5
    middle_depth: Annotated[int, Field(ge=3)]  # hidden layers of mixed networks: with fewer, some mixtures are the same
    deep_depth: PositiveInt  # hidden layers of the deep sigmoid networks
    learning_rates: LearningRates
    adam_learning_rates: LearningRates
    tuning_seeds: Seeds
    num_deep_tuning_seeds: PositiveInt  # the first of them, for middle and deep networks; all, if they are fewer
    stack_size: PositiveInt  # seeds that are trained side by side; another number gives other last bits
    longer: Annotated[PositiveFloat, Field(gt=1)]  # times as many epochs, as a rescue of deep sigmoid
    reached: Fraction  # validation accuracy from which on a deep network counts as trained
    price: PriceParams
