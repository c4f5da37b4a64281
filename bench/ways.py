"""The ways of doing one model-epoch that are compared, and the environment that each runs in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from bench.setting import ModelName
from dlstudy.core.base.arithmetic import SINGLE_THREAD, environment

Kind = Literal["textbook", "scikit_learn", "ours", "stack", "matrix_product", "plain_vision", "vision"]


@dataclass(frozen=True)
class Way:
    """One row of a table; `kind` names the loop, which is a module's `load` in this package."""

    name: str
    label: str
    kind: Kind
    arithmetic: str | None = None  # native or portable, each with one thread; None: the libraries as they come
    num_threads: int | None = None  # without an arithmetic; None: as many as the library takes by itself
    num_workers: int = 0  # of the textbook's DataLoader
    num_networks: int = 1  # that one process trains at once
    num_seeds: int = 1  # among these: networks with one seed share their minibatches
    num_processes: int = 1  # that do this at once


def counted(number: int, noun: str, plural: str) -> str:
    return f"{number} {noun if number == 1 else plural}"


def _textbook(num_workers: int) -> Way:
    label = f"textbook loop, {counted(num_workers, 'worker', 'workers')}"
    return Way(f"textbook_workers_{num_workers}", label, "textbook", num_workers=num_workers)


def _plain_vision(num_workers: int) -> Way:
    return replace(_textbook(num_workers), kind="plain_vision")


def _vision(arithmetic: str, num_processes: int) -> Way:
    return replace(_ours(arithmetic, num_processes), kind="vision")


def _scikit_learn(num_threads: int) -> Way:
    label = f"scikit-learn, {counted(num_threads, 'thread', 'threads')}"
    return Way(f"scikit_learn_threads_{num_threads}", label, "scikit_learn", num_threads=num_threads)


def _ours(arithmetic: str, num_processes: int) -> Way:
    label = f"ours, {arithmetic}, {counted(num_processes, 'process', 'processes at once')}"
    return Way(f"ours_{arithmetic}_{num_processes}", label, "ours", arithmetic, num_processes=num_processes)


def _stack(prefix: str, words: str, num_networks: int, num_seeds: int) -> tuple[Way, ...]:
    """A stack in both arithmetics, by one process and by two at once."""
    return tuple(
        Way(
            f"{prefix}_{arithmetic}_{num_processes}",
            f"{words}, {arithmetic}, {counted(num_processes, 'process', 'processes at once')}",
            "stack",
            arithmetic,
            num_networks=num_networks,
            num_seeds=num_seeds,
            num_processes=num_processes,
        )
        for num_processes in (1, 2)
        for arithmetic in ARITHMETICS
    )


def _matrix_product(arithmetic: str) -> Way:
    return Way(f"matrix_product_{arithmetic}", f"bound: matrix products, {arithmetic}", "matrix_product", arithmetic)


ARITHMETICS: Final = ("native", "portable")
TEXTBOOK: Final = tuple(_textbook(num_workers) for num_workers in (0, 1, 2, 4))
SCIKIT_LEARN: Final = tuple(_scikit_learn(num_threads) for num_threads in (1, 2))
BOUNDS: Final = tuple(_matrix_product(arithmetic) for arithmetic in ARITHMETICS)

WAYS: Final[Mapping[ModelName, tuple[Way, ...]]] = {
    "mlp_relu": (
        *TEXTBOOK,
        *(_ours(arithmetic, num_processes) for num_processes in (1, 2) for arithmetic in ARITHMETICS),
        *BOUNDS,
    ),
    "stack": (
        *TEXTBOOK,
        *SCIKIT_LEARN,
        *_stack("ours", "8 networks on shared minibatches", 8, 1),
        *_stack("seeds", "5 networks, each its own minibatches", 5, 5),
        *BOUNDS,
    ),
    "resnet18": (
        *(_plain_vision(num_workers) for num_workers in (0, 2)),
        *(_vision(arithmetic, num_processes) for num_processes in (1, 2) for arithmetic in ARITHMETICS),
    ),
}
"""What is compared, by model. Within one, `ours` is how the study trains it."""


def environment_of(way: Way) -> dict[str, str]:
    """The environment of this process, but arithmetic and threads as the way asks for."""
    settled = environment("portable") | environment("native")
    kept = {name: value for name, value in os.environ.items() if name not in settled}
    threads = dict.fromkeys(SINGLE_THREAD, str(way.num_threads)) if way.num_threads else {}
    return kept | threads | (environment(way.arithmetic) if way.arithmetic else {})
