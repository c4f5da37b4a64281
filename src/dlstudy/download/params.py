"""Parameters of the download stages."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field

from dlstudy.core.base.params import Items, PositiveInt, Section, WeightsName, each_once


class DownloadParams(Section):
    """Which weights are downloaded beside the data, and how patiently; on the latter no result depends."""

    weights: Annotated[Items[WeightsName], AfterValidator(partial(each_once, what="name"))]
    attempts: PositiveInt
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)]  # a day, beyond which no system call waits
