"""A Slurm of this machine runs a job, where Debian's slurm-wlm is installed (`make faults`)."""

import subprocess
import sys

import pytest

from dlstudy.core.base.errors import StudyError
from tools import slurm
from tools.checkout import ROOT


def is_installed():
    try:
        return bool(slurm.find_programs())
    except StudyError:
        return False


def test_without_slurm_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.shutil, "which", lambda name, path: None)
    with pytest.raises(StudyError, match=r"expected the programs munged, .* apt-get install slurm-wlm"):
        slurm.find_programs()


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason="slurm-wlm is not installed")
def test_a_job_runs_and_its_status_is_the_commands():
    command = [
        sys.executable,
        "-m",
        "tools.slurm",
        "srun",
        "--ntasks=1",
        "sh",
        "-c",
        "echo in job $SLURM_JOB_ID; exit 3",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "in job 1\n"), done.stderr
