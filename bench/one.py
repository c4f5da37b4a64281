"""One process of one way: `python -m bench.one KIND ...`; bench/measure.py starts it.

It loads, warms up, writes "ready", waits for a line, does the epochs, and writes one JSON object.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, get_args

from bench.ways import Kind

WARM_UP_IMAGES: Final = 2_560
RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of ru_maxrss


@dataclass(frozen=True)
class Answer:
    seconds: float  # for all epochs together
    core_seconds: float  # that processors worked for them, in all threads and worker processes
    num_threads: int
    kernels: str  # the instruction set that torch uses
    memory_bytes: int  # peak resident memory, this process and its children; see `peak_memory`


def load(kind: Kind, num_images: int, num_workers: int) -> Callable[[int], None]:
    """The function that does one epoch of this kind on the first so many images."""
    match kind:
        case "textbook":
            from bench import textbook

            return textbook.load(num_workers)
        case "ours":
            from bench import ours

            return ours.load()
        case "matrix_product":
            from bench import matrix_product

            return matrix_product.load(num_images)


def timed(epoch: Callable[[int], None], num_images: int, num_epochs: int) -> tuple[float, float]:
    """Seconds and core-seconds that the epochs take, those of worker processes included."""
    start, start_core = time.perf_counter(), core_time()
    for _ in range(num_epochs):
        epoch(num_images)
    return time.perf_counter() - start, core_time() - start_core


def core_time() -> float:
    """Seconds that processors have worked for this process and its ended children, as user and as system."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_memory(num_workers: int) -> int:
    """Bytes, an upper bound: every worker is taken for as large as the largest, and shared pages count in each."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest_worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + num_workers * largest_worker) * RSS_UNIT


def answer(seconds: float, core_seconds: float, num_workers: int) -> Answer:
    """The times, and what torch says of itself."""
    import torch

    kernels = torch.backends.cpu.get_cpu_capability()
    return Answer(seconds, core_seconds, torch.get_num_threads(), kernels, peak_memory(num_workers))


def main(arguments: list[str]) -> None:
    """Load, warm up, wait for the start, do the epochs, answer."""
    parser = argparse.ArgumentParser(prog="python -m bench.one")
    parser.add_argument("kind", choices=get_args(Kind))
    for name in ("images", "epochs", "workers"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args(arguments)
    epoch = load(options.kind, options.images, options.workers)
    epoch(min(options.images, WARM_UP_IMAGES))
    print("ready", flush=True)
    sys.stdin.readline()
    times = timed(epoch, options.images, options.epochs)
    print(json.dumps(asdict(answer(*times, options.workers))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
