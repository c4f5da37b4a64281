"""Processes that die during a run; apart from the other tests, as a process without torch starts much sooner."""

import os
import signal
import time
from pathlib import Path

import pytest

from dlstudy.core.base.errors import StudyError
from dlstudy.core.execution import map_runs


@pytest.fixture(autouse=True)
def two_processes(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")


def die_once(folder: Path, number: int) -> int:
    """Takes its process down the first time it is run for number 1; every run leaves a mark."""
    marks = len(list(folder.glob(f"{number}-*")))
    (folder / f"{number}-{marks}").touch()
    time.sleep(0.05)  # so that results of those before have arrived
    if number == 1 and marks == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def die_always(fatal: tuple[int, ...], number: int) -> int:
    if number in fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number**2


def die_in_company(folder: Path, number: int) -> int:
    """Dies twice, then not: a run that memory suffices for only when nothing runs beside it."""
    deaths = folder / str(number)
    found = int(deaths.read_text()) if deaths.exists() else 0
    if number == 1 and found < 2:
        deaths.write_text(str(found + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def test_a_run_whose_process_died_is_run_again(tmp_path):
    found = map_runs(die_once, [0, 1, 2, 3, 4], label="once", shared=(tmp_path,))
    assert found == [0, 1, 4, 9, 16]
    assert len(list(tmp_path.glob("1-*"))) == 2


def test_finished_results_are_kept_when_a_process_dies(tmp_path):
    items = [*range(2, 10), 1]  # the fatal one last
    assert map_runs(die_once, items, label="once", shared=(tmp_path,)) == [number**2 for number in items]
    # All but the one that may have run beside the fatal one, or have just finished.
    assert sum(len(list(tmp_path.glob(f"{number}-*"))) == 1 for number in range(2, 10)) >= 6


def test_a_run_that_dies_in_company_is_given_a_last_try_alone(tmp_path):
    assert map_runs(die_in_company, [0, 1, 2], label="large", shared=(tmp_path,)) == [0, 1, 4]
    assert (tmp_path / "1").read_text() == "2"


def test_a_run_that_always_kills_its_process_is_named_and_no_other():
    with pytest.raises(StudyError) as told:
        map_runs(die_always, [5, 7, 9, 11], label="fatal", shared=((9,),))
    assert str(told.value) == ("fatal: expected run 9 to finish, found that its process died 3 times (out of memory?)")
