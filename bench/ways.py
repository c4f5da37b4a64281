"""The ways of doing one model-epoch that are compared, and the environment that each runs in."""

import os
from dataclasses import dataclass
from typing import Final, Literal

from dlstudy.arithmetic import environment

Kind = Literal["textbook", "ours", "matrix_product"]


@dataclass(frozen=True)
class Way:
    """One row of the table; `kind` names the loop, which is a module's `load` in this package."""

    name: str
    label: str
    kind: Kind
    arithmetic: str | None = None  # native or portable, each with one thread; None: torch as it comes
    num_workers: int = 0  # of the textbook's DataLoader
    num_processes: int = 1  # that do this at once


def _textbook(num_workers: int) -> Way:
    label = f"textbook loop, {num_workers} worker{'s' * (num_workers != 1)}"
    return Way(f"textbook_workers_{num_workers}", label, "textbook", num_workers=num_workers)


def _ours(arithmetic: str, num_processes: int) -> Way:
    label = f"ours, {arithmetic}, {num_processes} process{'es at once' * (num_processes != 1)}"
    return Way(f"ours_{arithmetic}_{num_processes}", label, "ours", arithmetic, num_processes=num_processes)


def _matrix_product(arithmetic: str) -> Way:
    return Way(f"matrix_product_{arithmetic}", f"bound: matrix products, {arithmetic}", "matrix_product", arithmetic)


ARITHMETICS: Final = ("native", "portable")
TEXTBOOK: Final = tuple(_textbook(num_workers) for num_workers in (0, 1, 2, 4))
WAYS: Final = (
    *TEXTBOOK,
    *(_ours(arithmetic, num_processes) for num_processes in (1, 2) for arithmetic in ARITHMETICS),
    *(_matrix_product(arithmetic) for arithmetic in ARITHMETICS),
)


def environment_of(way: Way) -> dict[str, str]:
    """The environment of this process, but arithmetic and threads as the way asks for."""
    settled = environment("portable") | environment("native")
    kept = {name: value for name, value in os.environ.items() if name not in settled}
    return kept | (environment(way.arithmetic) if way.arithmetic else {})
