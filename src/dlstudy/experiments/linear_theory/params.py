"""Parameters of the experiment linear_theory."""

from typing import Annotated

from pydantic import Field

from dlstudy.core.base.params import PositiveFloat, PositiveInt, Section


class LinearTheoryParams(Section):
    """Closed forms, collinear columns, and the many minima of a small perceptron, on the Ames sales."""

    hidden_units: Annotated[int, Field(ge=2)]  # of the perceptron
    num_descent_steps: PositiveInt  # of full-batch gradient descent, linear model and perceptron
    learning_rate: PositiveFloat  # of the perceptron; the linear model's follows from its Hessian
    weight_decay: PositiveFloat  # of the perceptron: keeps its minima at finite places
