"""Parameters of the experiment sgd_theory."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dlstudy.core.base.params import Fraction, Items, PositiveFloat, PositiveInt, Section, ascending, rows_of

AtLeastTwo = Annotated[int, Field(ge=2)]


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
