"""What would stop a run is found before its first stage."""

import json
import os
import shutil
from collections import namedtuple

import pytest

from dlstudy.study import preflight

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def cpu(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight.platform, "machine", lambda: "x86_64")
    monkeypatch.delenv("DLSTUDY_ARITHMETIC", raising=False)
    return tmp_path / "cpuinfo"


def test_a_checkout_that_can_run_passes(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "missing_kernels", lambda: [])  # whatever runs this test
    preflight.check(tmp_path)


def test_all_that_is_wrong_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "PACKAGES", ("numpy", "no_such_package"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 5 * 10**6))
    with pytest.raises(preflight.PreflightError, match="nothing was run and nothing deleted") as found:
        preflight.check(tmp_path)
    assert "expected no_such_package in .venv, found none; run `make setup`" in str(found.value)
    assert "disk: expected 1000 MB free for data, models and DVC's cache, found 5 MB" in str(found.value)


def test_less_space_is_needed_where_the_data_are_there_already(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 0, 500 * 10**6))
    assert list(preflight.too_little_space(tmp_path))
    (tmp_path / "data/raw/images").mkdir(parents=True)
    assert list(preflight.too_little_space(tmp_path)) == []


@pytest.mark.parametrize(
    ("flags", "arithmetic", "complains"),
    [
        ("flags\t: fpu sse4_2 avx avx2", "portable", False),
        ("flags\t: fpu sse4_2 avx", "portable", True),
        ("flags\t: fpu sse4_2 avx", "native", False),
        ("model name\t: does not say", "portable", False),
    ],
)
def test_a_processor_without_avx2_is_named_unless_the_arithmetic_does_without(
    flags, arithmetic, complains, cpu, monkeypatch
):
    cpu.write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setenv("DLSTUDY_ARITHMETIC", arithmetic)
    found = list(preflight.missing_kernels(cpu))
    assert [("expected AVX2" in line, "DLSTUDY_ARITHMETIC=native" in line) for line in found] == [
        (True, True)
    ] * complains


def test_what_may_not_be_written_is_named(tmp_path, monkeypatch):
    for folder in ("results/experiments/losses", "models", "src", "stages"):
        (tmp_path / folder).mkdir(parents=True)
    locks = [tmp_path / "dvc.lock", tmp_path / "stages/dvc.lock"]
    for lock in locks:
        lock.touch()
    read_only = {tmp_path / "results/experiments/losses", *locks, tmp_path / "src"}
    # Permissions do not stop root, who may run this: so the system's answer is made up.
    monkeypatch.setattr(os, "access", lambda path, mode: path not in read_only)
    found = " ".join(preflight.unwritable(tmp_path))
    assert f"chmod u+w '{tmp_path}/results/experiments/losses'" in found
    assert all(f"{lock}: expected to be allowed to write" in found for lock in locks)
    assert "src" not in found  # no stage writes there


def locks(root, own, other):
    """DVC's list while this run is in its first stage and another process in a later one."""
    (root / ".dvc/tmp").mkdir(parents=True)
    entries = {
        "write": {
            str(root / "data/params_check.txt"): {"pid": own, "cmd": "dvc repro"},
            str(root / "models/a.pt"): {"pid": other, "cmd": "dvc repro train@a"},
        },
        "read": {str(root / "params.yaml"): [{"pid": own, "cmd": "dvc repro"}]},
    }
    (root / ".dvc/tmp/rwlock").write_text(json.dumps(entries))


def test_another_run_in_the_same_checkout_is_named(tmp_path):
    locks(tmp_path, own=os.getpid(), other=os.getppid())
    (line,) = preflight.other_runs(tmp_path)
    assert f"found `dvc repro train@a` (process {os.getppid()}); wait until it has ended" in line


def test_a_run_that_was_killed_is_not_another_run(tmp_path):
    locks(tmp_path, own=os.getpid(), other=2**22 + 1)  # above any process number of Linux
    assert list(preflight.other_runs(tmp_path)) == []


def test_outside_dvc_nobody_is_another(tmp_path):
    assert list(preflight.other_runs(tmp_path)) == []
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/tmp/rwlock").write_text("half writ")
    assert list(preflight.other_runs(tmp_path)) == []
