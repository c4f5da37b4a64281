"""Figures that others have published, each with its source and its protocol."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from dlstudy.core.base.params import Fraction, Items, PositiveFloat, PositiveInt, Section, read_yaml, validated

FILE: Final = Path(__file__).with_name("published.yaml")

DATASET: Final = "FashionMNIST"  # the images that the published accuracies and shares of dead units are about


class PublishedFigure(Section):
    """An accuracy on Fashion-MNIST's test images that somebody reports."""

    source: str
    short: str  # the source in a word or two, for figures
    model: str
    protocol: str
    value: Fraction
    beside: str = ""  # the model of ours that it is to be read beside, if any
    hidden: Items[PositiveInt] = ()  # of a network that the experiment published_networks trains once more
    activation: str = ""  # of those hidden layers


class PublishedElsewhere(Section):
    """What somebody reports of activations where the study trains nothing to stand beside it."""

    source: str
    data: str
    model: str
    protocol: str
    quantity: str
    value: float | None = None  # None: known from memory alone, and so not printed


class PublishedFit(Section):
    """An R squared on the Ames housing table that somebody reports."""

    source: str
    model: str
    protocol: str
    r2: Fraction
    rmse: PositiveFloat | None = None  # of the logarithm of the price to base 10, by `protocol`
    resampled_rmse: PositiveFloat | None = None  # the same by cross-validation, of a simpler form of the model


class PublishedShares(Section):
    """The share of dead ReLU units of each hidden layer of a network as initialised that somebody reports."""

    source: str
    short: str  # the source in a word or two, for figures
    protocol: str
    shares: Annotated[Items[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]


class Published(Section):
    people: PublishedFigure | None
    fashion_mnist: Items[PublishedFigure]
    elsewhere: Items[PublishedElsewhere]
    sweep: PublishedElsewhere  # beside which the ladder stands
    housing: Items[PublishedFit]
    dead_units: PublishedShares | None

    @property
    def networks(self) -> tuple[PublishedFigure, ...]:
        return tuple(figure for figure in self.fashion_mnist if figure.hidden)

    def beside(self, dataset: str) -> "Published":
        """What may stand beside results on these images: where they are others, nothing that is about images."""
        if dataset == DATASET:
            return self
        return self.model_copy(update={"people": None, "fashion_mnist": (), "dead_units": None})


def load_published(path: Path = FILE) -> Published:
    return validated(read_yaml(path), Published, path=path)
