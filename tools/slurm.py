"""A Slurm of this one machine, for as long as a command runs: `python -m tools.slurm sbatch --wait job.sh`.

To try what docs/execution.md says, without a cluster. Needs Debian's slurm-wlm (`apt-get install slurm-wlm`). Its
daemons are this user's, with a key, ports and folders of their own.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from getpass import getuser
from pathlib import Path
from typing import Final

from dlstudy.core.base.errors import StudyError

PROGRAMS: Final = ("munged", "slurmctld", "slurmd", "sinfo")
PATIENCE: Final = 120.0
"""Seconds until the node has to be there."""

CONFIGURATION: Final = """\
ClusterName=one_machine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes}
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def find_programs() -> dict[str, str]:
    """Where the programs are: those of the system are not on every user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = {name: shutil.which(name, path=path) for name in PROGRAMS}
    if missing := [name for name, where in found.items() if where is None]:
        raise StudyError(f"Slurm: expected the programs {', '.join(missing)}, found none; apt-get install slurm-wlm")
    return {name: str(where) for name, where in found.items()}


def configuration(folder: Path) -> str:
    """The slurm.conf of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return CONFIGURATION.format(
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        user=getuser(),
        port=free_port(),
        node_port=free_port(),
        cores=os.cpu_count(),
        megabytes=memory * 9 // 10,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def one_machine(folder: Path) -> Iterator[dict[str, str]]:
    """A running Slurm with its files in `folder`; the environment in which `sbatch` and others find it."""
    programs = find_programs()
    folder.chmod(0o711)  # munged asks for that
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    (folder / "slurm.conf").write_text(configuration(folder), encoding="utf-8")
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
    munge = [f"--{option}={folder}/munge.{ending}" for option, ending in MUNGE_FILES.items()]
    with ExitStack() as stack:
        for command in (
            [programs["munged"], "--foreground", *munge],
            [programs["slurmctld"], "-D"],
            [programs["slurmd"], "-D"],
        ):
            stack.enter_context(daemon(command, environment, folder))
            time.sleep(1)  # each needs the one before
        wait_for_the_node([programs["sinfo"], "--noheader", "--format=%T"], environment, folder)
        yield environment


MUNGE_FILES: Final = {
    "key-file": "key",
    "socket": "socket",
    "pid-file": "pid",
    "log-file": "log",
    "seed-file": "seed",
}


@contextmanager
def daemon(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A program that runs until the end of the block; what it says is in FOLDER/NAME.out."""
    with (folder / f"{Path(command[0]).name}.out").open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_the_node(command: list[str], environment: dict[str, str], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.stdout.strip() == "idle":
            return
        time.sleep(1)
    said = "\n".join(f"{file.name}: {file.read_text(errors='replace')[-600:]}" for file in sorted(folder.glob("*.out")))
    raise StudyError(
        f"Slurm: expected the node to be idle within {PATIENCE:.0f} s, found {done.stdout + done.stderr}\n{said}"
    )


def main(command: list[str]) -> int:
    if not command:
        print(__doc__)
        return 2
    try:
        with tempfile.TemporaryDirectory(prefix="slurm-") as folder, one_machine(Path(folder)) as environment:
            return subprocess.run(command, env=environment, check=False).returncode
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
