"""One way measured once: its processes started, set off at the same time, and asked what they found."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

from bench.one import Answer, Task
from bench.setting import BenchError, Setting
from bench.ways import Way, environment_of

Child = subprocess.Popen[str]


@dataclass(frozen=True)
class Sample:
    seconds: float  # of the wall clock, for each model-epoch that the processes did together
    core_seconds: float  # of all processes, likewise
    num_threads: int  # of each process
    kernels: str
    memory_bytes: int  # of all processes


def measure(way: Way, setting: Setting) -> Sample:
    """A way measured once; BenchError when a process of it fails, whose own message is on stderr by then."""
    with ExitStack() as stack:
        children = [stack.enter_context(_started(way, setting)) for _ in range(way.num_processes)]
        for child in children:
            _line(child, way)  # "ready"
        for child in children:
            _set_off(child)
        return sample(
            [Answer(**json.loads(_line(child, way))) for child in children], setting.num_epochs * way.num_networks
        )


def sample(answers: Sequence[Answer], num_model_epochs: int) -> Sample:
    """What processes that started together, each to do so many model-epochs, found: done when the slowest is."""
    model_epochs = len(answers) * num_model_epochs
    return Sample(
        seconds=max(answer.seconds for answer in answers) / model_epochs,
        core_seconds=sum(answer.core_seconds for answer in answers) / model_epochs,
        num_threads=answers[0].num_threads,
        kernels=answers[0].kernels,
        memory_bytes=sum(answer.memory_bytes for answer in answers),
    )


@contextmanager
def _started(way: Way, setting: Setting) -> Iterator[Child]:
    task = Task(
        way.kind,
        setting.model,
        setting.num_images,
        setting.num_epochs,
        way.num_workers,
        way.num_networks,
        way.num_seeds,
    )
    command = [sys.executable, "-m", "bench.one", json.dumps(asdict(task))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment_of(way), stdin=pipe, stdout=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()  # it has answered, or nobody waits for its answer any more


def _set_off(child: Child) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def _line(child: Child, way: Way) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise BenchError(f"{way.name}: expected an answer, found that its process ended, status {child.wait()}")
    return line
