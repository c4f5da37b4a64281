"""Parameters of the experiment on activations of the outputs, mixed activations, and deep sigmoid networks."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.base.params import Fraction, Items, NumTrainingImages, PositiveInt, Section, rows_of, within_split
from dlstudy.core.params import Seeds
from dlstudy.tuning.params import Budgets, Rates, TunedSection


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
    learning_rates: Rates
    tuning_seeds: Seeds

    @field_validator("batch_size")
    @classmethod
    def _within_the_training_split(cls, batch_size: int, info: ValidationInfo) -> int:
        return within_split(batch_size, info, "housing")


class OutputsParams(TunedSection):
    """Perceptrons for images that differ in where they have which activation, each with a tuned learning rate."""

    budgets: Budgets  # epochs; a training of its own for each, with a learning rate that falls to 0
    width: Annotated[int, Field(ge=2)]  # of every hidden layer
    batch_size: Annotated[NumTrainingImages, AfterValidator(_two_at_least)]
    middle_depth: Annotated[int, Field(ge=3)]  # hidden layers of mixed networks: with fewer, some mixtures are the same
    deep_depth: PositiveInt  # hidden layers of the deep sigmoid networks
    learning_rates: Rates  # of the first rung
    adam_learning_rates: Rates
    reached: Fraction  # validation accuracy from which on a deep network counts as trained
    price: PriceParams
