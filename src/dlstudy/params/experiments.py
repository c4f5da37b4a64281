"""Parameters of the experiments: what claims need measured, beside the models themselves."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.params.activations import ActivationName
from dlstudy.params.base import (
    Fraction,
    Items,
    NumTrainingImages,
    PositiveFloat,
    PositiveInt,
    Section,
    Seed,
    ascending,
    rows_of,
)
from dlstudy.params.census import CensusParams
from dlstudy.params.cost import CostParams
from dlstudy.params.outputs import OutputsParams
from dlstudy.params.published_networks import PublishedNetworksParams
from dlstudy.params.signal import SignalParams
from dlstudy.params.tour import TourParams
from dlstudy.params.train import InitName, Seeds

AtLeastTwo = Annotated[int, Field(ge=2)]
AtLeastThree = Annotated[int, Field(ge=3)]


class LinearTheoryParams(Section):
    """Closed forms, collinear columns, and the many minima of a small perceptron, on the Ames sales."""

    hidden_units: AtLeastTwo  # of the perceptron
    num_descent_steps: PositiveInt  # of full-batch gradient descent, linear model and perceptron
    learning_rate: PositiveFloat  # of the perceptron; the linear model's follows from its Hessian
    weight_decay: PositiveFloat  # of the perceptron: keeps its minima at finite places


class LinearityParams(Section):
    """The plane against a spline basis, by repeated cross-validation."""

    num_repeats: AtLeastTwo  # of the cross-validation; and the splits by which a published fit is repeated
    num_folds: Annotated[int, Field(ge=2, le=100)]  # beyond, a fold is a handful of sales
    num_knots: AtLeastThree  # of the natural cubic spline in each feature; with two it would be the plane
    seed: Seed  # of the folds and splits


class SgdTheoryParams(Section):
    """What theory says of minibatch gradients and constant steps, measured on the Ames sales and on the images."""

    batch_sizes: Annotated[Items[PositiveInt], Field(min_length=2), AfterValidator(ascending)]
    num_epochs: AtLeastTwo  # of minibatches whose gradients are compared with the full one, for each seed
    descent_fractions: Annotated[Items[Fraction], Field(min_length=1), AfterValidator(ascending)]
    floor_learning_rates: Annotated[Items[PositiveFloat], Field(min_length=2), AfterValidator(ascending)]
    floor_batch_sizes: Annotated[Items[PositiveInt], Field(min_length=2), AfterValidator(ascending)]
    num_floor_chains: AtLeastTwo  # descents side by side, for each seed
    num_floor_steps: PositiveInt  # of each chain, after it has come down to the floor
    num_floor_epochs: PositiveInt  # of each reshuffled chain, likewise
    num_first_steps: AtLeastTwo  # of a training from 0, in which the steps that lower the loss are counted
    num_curve_images: AtLeastTwo  # for learning curves of softmax regression; all if there are fewer
    num_curve_steps: PositiveInt

    @field_validator("batch_sizes", "floor_batch_sizes")
    @classmethod
    def _below_the_training_split(cls, batch_sizes: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        rows = rows_of(info, "housing")
        if rows is not None and max(batch_sizes) >= rows:
            raise ValueError(f"expected less than {rows}, the training split of housing, found {max(batch_sizes)}")
        return batch_sizes


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


class ExperimentsParams(Section):
    census: CensusParams
    linear_theory: LinearTheoryParams
    linearity: LinearityParams
    sgd_theory: SgdTheoryParams
    losses: LossesParams
    signal_propagation: SignalParams
    activation_cost: CostParams
    activation_outputs: OutputsParams
    published_networks: PublishedNetworksParams
    torchvision_tour: TourParams
