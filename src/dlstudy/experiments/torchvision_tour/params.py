"""Parameters of the tour of torchvision: its parts, and the properties of its transforms on real images."""

from typing import Annotated

from pydantic import Field

from dlstudy.core.base.params import Section, Seed


class TourParams(Section):
    num_images: Annotated[int, Field(ge=4)]  # on which properties are tried: the first of the test split, or all
    num_single_images: Annotated[int, Field(ge=4)]  # the first of these, where each is transformed by itself
    seed: Seed  # of random transforms
