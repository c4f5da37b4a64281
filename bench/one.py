"""One process of one way: `python -m bench.one TASK`, a `Task` as JSON; bench/measure.py starts it.

It loads, warms up, writes "ready", waits for a line, does the epochs, and writes one JSON object.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from bench.setting import ModelName
from bench.ways import Kind

WARM_UP_IMAGES: Final = 2_560
RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024  # bytes in the unit of ru_maxrss


@dataclass(frozen=True)
class Task:
    kind: Kind
    model: ModelName
    num_images: int
    num_epochs: int
    num_workers: int = 0
    num_networks: int = 1
    num_seeds: int = 1


@dataclass(frozen=True)
class Answer:
    seconds: float  # for all epochs together
    core_seconds: float  # that processors worked for them, in all threads and worker processes
    num_threads: int
    kernels: str  # the instruction set that the library uses
    memory_bytes: int  # peak resident memory, this process and its children; see `peak_memory`


def load(task: Task) -> Callable[[int], None]:
    """The function that does one epoch of this kind on the first so many images."""
    match task.kind:
        case "textbook":
            from bench import textbook

            return textbook.load(task.model, task.num_workers)
        case "scikit_learn":
            from bench import scikit_learn

            return scikit_learn.load(task.model)
        case "ours":
            from bench import ours

            return ours.load(task.model)
        case "stack":
            from bench import stack

            return stack.load(task.model, task.num_networks, task.num_seeds)
        case "plain_vision":
            from bench import vision

            return vision.load_plain(task.num_workers)
        case "vision":
            from bench import vision

            return vision.load_ours()
        case "matrix_product":
            from bench import matrix_product

            return matrix_product.load(task.model, task.num_images)


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


def library(kind: Kind) -> tuple[int, str]:
    """Threads and kernels of what does the work: by OpenBLAS's word for scikit-learn, by torch's for all others."""
    if kind == "scikit_learn":
        from bench.scikit_learn import openblas

        return openblas()
    import torch

    return torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()


def main(text: str) -> None:
    """Load, warm up, wait for the start, do the epochs, answer."""
    task = Task(**json.loads(text))
    epoch = load(task)
    epoch(min(task.num_images, WARM_UP_IMAGES))
    print("ready", flush=True)
    sys.stdin.readline()
    times = timed(epoch, task.num_images, task.num_epochs)
    answer = Answer(*times, *library(task.kind), peak_memory(task.num_workers))
    print(json.dumps(asdict(answer)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
