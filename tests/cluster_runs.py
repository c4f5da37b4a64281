"""What the tests of a cluster run there; in a module that its scheduler and workers can import, and do so quickly."""

import os
import signal
import time
from pathlib import Path


def wait_for(folder: Path, pattern: str, num_files: int) -> None:
    while len(list(folder.glob(pattern))) < num_files:
        time.sleep(0.01)


def process_of(folder: Path, number: int) -> tuple[int, int]:
    """Number 0 ends when all four have begun, so that the other worker has the rest."""
    (folder / f"began-{number}").touch()
    if number == 0:
        wait_for(folder, "began-*", 4)
    return number, os.getpid()


class Parcel:
    """Keeps a record, in a folder, of each time it is packed and unpacked."""

    def __init__(self, values, folder):
        self.values = values
        self.folder = folder

    def record(self, what):
        (self.folder / f"{what}-{os.getpid()}-{time.monotonic_ns()}").touch()

    def __reduce__(self):
        self.record("packed")
        return unpacked, (self.values, self.folder)

    def __deepcopy__(self, memo):
        return self


def unpacked(values, folder):
    parcel = Parcel(values, folder)
    parcel.record("unpacked")
    return parcel


def process_and_sum(parcel: Parcel, number: int) -> tuple[int, int]:
    (parcel.folder / f"ran-{os.getpid()}").touch()
    wait_for(parcel.folder, "ran-*", 2)  # so that both workers have some
    return os.getpid(), int(parcel.values.sum()) + number


def overwritten_sum(split, number: int) -> int:
    total = int(split.features.sum()) + number
    split.features.zero_()
    return total


def die_once(folder: Path, number: int) -> int:
    mark = folder / "died"
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def die_always(fatal: int, number: int) -> int:
    if number == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def finish_after_a_death(folder: Path, number: int) -> int:
    """Numbers 0 and 1 meet; then 1 dies, if for the first time, and 0 goes on for a while."""
    (folder / f"began-{number}-{os.getpid()}").touch()
    wait_for(folder, "began-[01]-*", 2)
    if number == 0:
        time.sleep(0.5)  # Dask has given the other up by then
    return die_once(folder, number)


def is_not_run(_: int) -> None:
    raise AssertionError("a run was started")
