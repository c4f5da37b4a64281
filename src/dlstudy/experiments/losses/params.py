"""Parameters of the experiment losses."""

from typing import Annotated

from pydantic import AfterValidator, Field

from dlstudy.core.params import (
    Fraction,
    Items,
    NumTrainingImages,
    PositiveFloat,
    PositiveInt,
    Section,
    ascending,
)
from dlstudy.training.activations import ActivationName
from dlstudy.training.params import InitName, Seeds

AtLeastTwo = Annotated[int, Field(ge=2)]
AtLeastThree = Annotated[int, Field(ge=3)]


class LossesParams(Section):
    """Squared error on one-hot targets against cross-entropy, the learning rate of each tuned on validation."""

    hidden: Annotated[Items[PositiveInt], Field(min_length=1)]  # of the perceptron; the other network is linear
    activation: ActivationName
    init: InitName
    batch_size: NumTrainingImages
    num_epochs: PositiveInt
    learning_rates: Annotated[Items[PositiveFloat], Field(min_length=3), AfterValidator(ascending)]
    tuning_seeds: Seeds
    handicap: Fraction  # share of the test images that the planted handicap gets wrong
