"""All claims of the study, in the order of their statements."""

import re
from typing import Final

from dlstudy.claims import (
    census,
    linear,
    linearity,
    losses,
    outputs,
    sgd,
    signal,
    softmax,
    sweep,
    torchvision,
    trainable,
)
from dlstudy.judging.core import Claim

CHAPTERS: Final = ("LIN", "SGD", "SOFT", "TV", "MLP", "ACT", "OWN")
"""How the ids of statements begin, in the order of the note; OWN are those of whoever adds to the study."""


def place(claim: Claim) -> tuple[int, int, str]:
    """Where a claim stands: its chapter, its statement's number and what follows it ("LIN-1b" comes after "LIN-1")."""
    found = re.fullmatch(r"([A-Z]+)-(\d+)(\w*)", claim.statement.id)
    assert found, claim.statement.id
    return CHAPTERS.index(found[1]), int(found[2]), found[3]


MODULES: Final = (linear, linearity, sgd, softmax, losses, census, signal, outputs, sweep, trainable, torchvision)

CLAIMS: Final[tuple[Claim, ...]] = tuple(sorted((claim for module in MODULES for claim in module.CLAIMS), key=place))
