"""The same bytes on processors of both makers, which qemu emulates (Debian's package qemu-user)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

QEMU = shutil.which("qemu-x86_64")
SCRIPT = Path(__file__).with_name("training_digests.py")


def printed(*emulator):
    """What the script prints when an emulator, if one is given, runs the interpreter itself, which no venv wraps."""
    command = [*emulator, os.path.realpath(sys.executable), str(SCRIPT)]
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    environment = os.environ | {"PYTHONPATH": packages}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.skipif(QEMU is None, reason="needs qemu-x86_64: apt-get install qemu-user")
@pytest.mark.parametrize("processor", ["Haswell", "EPYC-Milan"])
def test_trained_weights_are_the_same_bytes_on_an_emulated_processor(processor):
    here = printed()
    assert len(here) == len(set(here)) > 40  # each trains something else
    assert printed(QEMU, "-cpu", processor) == here
