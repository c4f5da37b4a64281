"""Parameters of the download stages."""

from typing import Annotated

from pydantic import Field, field_validator

from dlstudy.core.params import Items, PositiveInt, Section, WeightsName, each_once


class DownloadParams(Section):
    """Which weights are downloaded beside the data, and how patiently; on the latter no result depends."""

    weights: Items[WeightsName]
    attempts: PositiveInt
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)]  # a day, beyond which no system call waits

    @field_validator("weights")
    @classmethod
    def _each_once(cls, weights: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(weights, "name")
