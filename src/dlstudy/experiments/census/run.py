"""The activations of torchvision's image classifiers: what the stage of this experiment runs."""

from collections.abc import Sequence
from typing import Any

from dlstudy.experiments.census.counts import builders, census, facts
from dlstudy.experiments.census.families import Family, chosen, family_of, load_families
from dlstudy.experiments.census.params import CensusParams

PARAMS = CensusParams


def load() -> tuple[Family, ...]:
    """All families of networks."""
    return load_families()


def run(families: tuple[Family, ...], params: CensusParams, seeds: Sequence[int]) -> dict[str, Any]:
    """The tables of the census and its facts; of the families in params.yaml alone, where it names any."""
    wanted = chosen(families, params.families)
    tables = census(sorted(family_of(wanted)) if params.families else builders(), wanted)
    return {**tables, "facts": facts(tables)}
