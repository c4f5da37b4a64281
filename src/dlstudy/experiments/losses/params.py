"""Parameters of the experiment losses."""

from typing import Annotated

from pydantic import Field

from dlstudy.core.base.params import Fraction, Items, NumTrainingImages, PositiveInt
from dlstudy.core.params import ActivationName, InitName, Seeds
from dlstudy.tuning.params import Budgets, Rates, TunedSection


class LossesParams(TunedSection):
    """Squared error on one-hot targets against cross-entropy, the learning rate of each tuned on validation."""

    budgets: Budgets  # epochs; a training of its own for each, with a learning rate that falls to 0
    hidden: Annotated[Items[PositiveInt], Field(min_length=1)]  # of the perceptron; the other network is linear
    activation: ActivationName
    init: InitName
    batch_size: NumTrainingImages
    learning_rates: Rates  # of the first rung
    again_tuning_seeds: Seeds  # of the A/A control
    handicap: Fraction  # share of the test images that the planted handicap gets wrong
