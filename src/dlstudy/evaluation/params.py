"""Parameters of the evaluate stages, which score models."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from dlstudy.core.base.params import PositiveInt, Section
from dlstudy.core.params import ClosedFormParams, SgdParams


class EvaluateParams(Section):
    num_mistakes: PositiveInt  # images in a gallery of the most confident mistakes


ModelParams = Annotated[ClosedFormParams | SgdParams, Field(discriminator="method")]

MODEL: TypeAdapter[ClosedFormParams | SgdParams] = TypeAdapter(ModelParams)
