"""Make .venv and install what requirements.txt pins.

The system's own python3 runs this before anything is installed: so it uses the standard library only, and a
Python that is too old reads it far enough to say so. `make setup` starts it. The stamp .venv/.installed is
written last, when everything else has succeeded.

PyTorch's builds for Linux come in two kinds: PyPI's brings CUDA along, gigabytes of it; the index of CPU
builds on PyTorch's own site does without. DLSTUDY_TORCH (`make setup TORCH=...`) chooses:

auto          the CPU build where that index answers within seconds and has it, else PyPI's (the default)
cpu, pypi     one of the two, or an error
URL, folder   another package index, or a folder that is one or holds the wheels
"""

from __future__ import annotations

import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ((3, 11), (3, 14))  # the oldest and newest that everything in requirements.txt has wheels for
TORCH_PAIR = ("torch", "torchvision")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 5.0
HEARTBEAT_SECONDS = 30.0

# Runs inside .venv and names the first installed file that is missing or cut short, as after a kill or on a
# full disk. pip's RECORD lists path, hash and size; a package with an egg-info instead of METADATA never has
# one. Compiled files do not count: anything may delete those; nor does a longer file, such as certifi's with the
# certificate of a company added.
FIND_FAULT = """
import csv, importlib.metadata, os, pip
def whole(file, size):
    return os.path.exists(file) and int(size or 0) <= os.path.getsize(file)
for package in importlib.metadata.distributions():
    record = package.read_text("RECORD")
    if record is None and package.read_text("METADATA"):
        raise SystemExit(f"{package.name} has no RECORD of its files")
    for path, _, size in csv.reader((record or "").splitlines()):
        if not path.endswith(".pyc") and not whole(package.locate_file(path), size):
            raise SystemExit(f"{package.name}: {path} is missing or cut short")
"""


class SetupError(Exception):
    """What stopped the set-up: what was expected, what was found, what to do."""


@dataclass(frozen=True)
class Source:
    """Where pip takes torch from; `settings` are environment variables that override its configuration."""

    name: str
    reason: str
    size: str
    settings: dict[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> int:
    """The exit status of `setup_env.py [--venv-only]`."""
    try:
        check_python(sys.version_info[:3], sys.executable)
        if arguments == ["--venv-only"]:
            ready_venv(ROOT / ".venv")
        else:
            set_up(ROOT, os.environ.get("DLSTUDY_TORCH") or "auto")
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; `make setup` takes it up again", file=sys.stderr)
        return 130
    return 0


def check_python(version: tuple[int, ...], executable: str) -> None:
    """Raise SetupError unless everything in requirements.txt has a build for this Python."""
    oldest, newest = PYTHONS
    if not oldest <= version[:2] <= newest:
        raise SetupError(
            f"expected Python {dotted(oldest)} to {dotted(newest)}, found {dotted(version)} ({executable}); "
            "name another one that is installed: make setup PYTHON=python3.12"
        )


def set_up(root: Path, request: str) -> None:
    """Make root/.venv hold what root/requirements.txt pins, keeping what fits; `request` is DLSTUDY_TORCH."""
    lock = root / "requirements.txt"
    pins = torch_pins(lock)
    stamp = root / ".venv" / ".installed"
    stamp.unlink(missing_ok=True)
    python = ready_venv(root / ".venv")
    if is_installed(python, pins):
        say("torch and torchvision are there already (to choose another build, delete .venv)")
    else:
        install_torch(python, lock, request, platform.system())
    say("installing the other packages of requirements.txt (170 MB to download if none is cached)")
    pip_install(python, ["--requirement", str(lock)])
    summary = summarise(python, pins)
    relocate(root / ".venv")
    adapt_dvc(root, python)
    write_stamp(stamp, summary)


def torch_pins(lock: Path) -> dict[str, str]:
    """The versions of torch and torchvision that a requirements.txt pins, by name."""
    text = lock.read_text(encoding="utf-8")
    found = dict(re.findall(r"^(torch|torchvision)==([^\s;]+)", text, re.MULTILINE))
    missing = [name for name in TORCH_PAIR if name not in found]
    if missing:
        raise SetupError(f"{lock}: expected a line {missing[0]}==VERSION, found none; `make lock` writes it")
    return found


# --- The virtual environment ---


def ready_venv(venv: Path) -> Path:
    """The Python of a virtual environment where pip works and nothing is broken; made if there is none."""
    python = venv / "bin" / "python"
    if python.exists():
        fault = find_fault(python)
        if not fault:
            return python
        say(f".venv is broken, starting it afresh ({fault})")
    # Inside a virtual environment, sys.executable belongs to that, and it may be the .venv to be replaced.
    make_venv(getattr(sys, "_base_executable", None) or sys.executable, venv)
    return python


def relocate(venv: Path) -> None:
    """Make the scripts of a virtual environment name the folder that it is in, wherever it was before."""
    activate = venv / "bin" / "activate"
    found = re.search(
        r"^\s*(?:export )?VIRTUAL_ENV=['\"]?(/.+?)['\"]?$", activate.read_text(encoding="utf-8"), re.MULTILINE
    )
    old, new = (found.group(1) if found else ""), str(venv.resolve())
    if not old or Path(old).resolve() == venv.resolve():
        return
    say(f".venv was made in {old}: its scripts name {new} from now on")
    # In this form a path may have spaces; for sh the second line runs Python, for Python it is a string.
    shebang = f"#!/bin/sh\n'''exec' \"{new}/bin/python\" \"$0\" \"$@\"\n' '''\n"
    for script in (path for path in (venv / "bin").iterdir() if path.is_file() and not path.is_symlink()):
        content = script.read_bytes()
        if old.encode() in content and b"\0" not in content:
            text = re.sub(rf"\A#!{re.escape(old)}/bin/python.*\n", lambda _: shebang, content.decode())
            script.write_text(text.replace(old, new), encoding="utf-8")


def find_fault(python: Path) -> str:
    """What is wrong with the environment that `python` belongs to, in a line; empty if nothing is."""
    done = run([str(python), "-I", "-c", "import sys; print(sys.version_info[:2])"])
    if done.returncode != 0:
        return f"{python} does not run"
    version = tuple(int(number) for number in re.findall(r"\d+", done.stdout))
    if not PYTHONS[0] <= version <= PYTHONS[1]:
        return f"its Python is {dotted(version)}"
    done = run([str(python), "-I", "-c", FIND_FAULT])
    return last_line(done.stderr) if done.returncode != 0 else ""


def make_venv(interpreter: str, venv: Path) -> None:
    """Make an empty virtual environment with pip in it, also where Debian's python3-venv is not installed.

    Raises SetupError that says what was tried if neither way works.
    """
    say(f"making .venv with {interpreter}")
    usual = run([interpreter, "-m", "venv", "--clear", str(venv)])
    if usual.returncode == 0:
        return
    say("python3 -m venv does not work here: taking pip from Debian's package python3-pip-whl instead")
    bare = run([interpreter, "-m", "venv", "--clear", "--without-pip", str(venv)])
    try:
        if bare.returncode != 0:
            raise SetupError(tail(bare))
        bootstrap_pip(venv / "bin" / "python")
    except SetupError as error:
        raise SetupError(
            f"cannot make {venv}.\n`{interpreter} -m venv` said:\n{tail(usual)}\n"
            f"Without python3-venv:\n{error}\n"
            "On Debian or Ubuntu, sudo apt-get install python3-venv mends it; then run `make setup` again"
        ) from None


def bootstrap_pip(python: Path) -> None:
    """Install pip from Debian's package into the environment that `python` belongs to; needs no root."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = debian_pip_wheel(Path(folder))
        # A wheel is a zip archive, and Python runs a package inside one: pip installs itself.
        require([str(python), str(wheel / "pip"), "install", "--no-index", "--no-deps", str(wheel)])


def debian_pip_wheel(folder: Path) -> Path:
    """The wheel in Debian's package python3-pip-whl, downloaded with apt-get and unpacked into `folder`."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise SetupError(f"expected {program} on PATH, found none (is this Debian or Ubuntu?)")
    download_package("python3-pip-whl", folder)
    package = only(folder, "python3-pip-whl*.deb")
    require(["dpkg-deb", "-x", str(package), str(folder / "unpacked")])
    return only(folder / "unpacked", "usr/share/python-wheels/pip-*.whl")


def download_package(name: str, folder: Path) -> None:
    """Put a Debian package into `folder`, by the system's package lists or else fresh private ones."""
    private = folder / "apt"
    for part in ("state/lists/partial", "cache/archives/partial"):
        (private / part).mkdir(parents=True)
    patience = ["-q", "-oAcquire::Retries=2", "-oAcquire::http::Timeout=30", "-oAPT::Sandbox::User="]
    own = [f"-oDir::State={private}/state", "-oDir::State::status=/var/lib/dpkg/status"]
    cache = [f"-oDir::Cache={private}/cache"]
    if run(["apt-get", *patience, *cache, "download", name], folder).returncode == 0:
        return
    say("fetching Debian's package lists (some 10 MB)")
    # Its status does not count: one unreachable source among several fails it, and the download below shows it.
    run(["apt-get", *patience, *own, *cache, "update"], folder)
    require(["apt-get", *patience, *own, *cache, "download", name], folder)


def only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SetupError(f"expected one {pattern} in {folder}, found {len(found)}")
    return found[0]


# --- torch ---


def is_installed(python: Path, pins: dict[str, str]) -> bool:
    """Whether the packages are installed in these versions, in any build (2.14.1+cpu is one of 2.14.1)."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = run([str(python), "-I", "-c", code, *pins])
    return done.returncode == 0 and list(map(public, done.stdout.split())) == list(pins.values())


def install_torch(python: Path, lock: Path, request: str, system: str) -> None:
    """Install the pair that the lock pins from where `request` says; with auto, from PyPI if that fails."""
    pair = [f"{name}=={version}" for name, version in torch_pins(lock).items()]
    source = choose_source(request, system)
    announce(source)
    if source.settings:
        # The lock brings what the pair depends on: an index made for torch need not have it.
        try:
            pip_install(python, ["--no-deps", *pair], source.settings)
            return
        except SetupError as error:
            if request != "auto":
                raise
            source = pypi(system, f"{source.name} did not deliver: {last_line(str(error))}")
            announce(source)
    pip_install(python, ["--constraint", str(lock), *pair])


def announce(source: Source) -> None:
    say(f"taking torch and torchvision from {source.name} ({source.reason}; {source.size})")


def choose_source(request: str, system: str, cpu_index: str = CPU_INDEX) -> Source:
    """Where to take torch from: auto, cpu, pypi, the URL of a package index, or a folder.

    `system` is as platform.system() names it: PyPI's builds for Darwin are CPU builds. Raises SetupError if
    the request is none of these, or is cpu and `cpu_index` does not answer.
    """
    if request == "pypi":
        return pypi(system, "as asked for")
    if request == "auto" and system == "Darwin":
        return pypi(system, "its macOS builds are CPU builds")
    if request not in ("auto", "cpu"):
        return named_source(request)
    fault = probe(cpu_index)
    if not fault:
        reason = "as asked for" if request == "cpu" else "it answers, and its CPU builds are small"
        return Source(cpu_index, reason, "about 200 MB to download", index_settings(cpu_index))
    if request == "cpu":
        raise SetupError(
            f"expected PyTorch's CPU index {cpu_index} to answer, found: {fault}; "
            "make setup TORCH=pypi takes PyPI's build, TORCH=URL and TORCH=FOLDER name another index"
        )
    return pypi(system, f"{cpu_index} does not answer: {fault}")


def pypi(system: str, reason: str) -> Source:
    """PyPI, or whichever index pip's user has configured instead."""
    darwin = "about 130 MB to download"
    linux = "with CUDA 3 GB to download, 5.5 GB installed"
    return Source("PyPI", reason, darwin if system == "Darwin" else linux)


def named_source(request: str) -> Source:
    """The index or folder that DLSTUDY_TORCH names; a folder with torch/index.html in it is an index."""
    if "://" in request:
        without_password = re.sub(r"//[^/@]*@", "//", request)
        return Source(without_password, "as asked for", "size unknown", index_settings(request))
    folder = Path(request).expanduser().resolve()
    if (folder / "torch" / "index.html").is_file():
        return Source(str(folder), "as asked for", "no download", index_settings(folder.as_uri()))
    if any(folder.glob("torch-*.whl")):
        settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder.as_uri()}
        return Source(str(folder), "as asked for", "no download", settings)
    raise SetupError(
        "DLSTUDY_TORCH (make setup TORCH=...): expected auto, cpu, pypi, the URL of a package index, "
        f"or a folder with torch-*.whl or torch/index.html in it, found {request!r}"
    )


def index_settings(index: str) -> dict[str, str]:
    """The settings of pip for this index alone: each overrides the user's, so that nothing comes from elsewhere."""
    # Empty values would leave the user's in force: hence the index twice, and some folder without wheels.
    no_wheels = (ROOT / "tools").as_uri()
    index_twice = {"PIP_INDEX_URL": index, "PIP_EXTRA_INDEX_URL": index}
    return {**index_twice, "PIP_FIND_LINKS": no_wheels, "PIP_NO_INDEX": "0"}


def probe(index: str, seconds: float = PROBE_SECONDS) -> str:
    """Why a package index does not answer for torch within `seconds`; empty if it does."""
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    # In a thread, because a wedged name server can hold up urlopen past its own time-out.
    threading.Thread(target=lambda: answers.put(ask(f"{index}/torch/", seconds)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return f"no answer within {seconds:g} s"


def ask(url: str, seconds: float) -> str:
    """What goes wrong when a page is fetched; empty if nothing does."""
    named = {"User-Agent": "dlstudy-setup"}  # some sites refuse the name that urllib gives itself
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named), timeout=seconds) as page:
            page.read(1)
    except URLError as error:
        return str(error) if isinstance(error, HTTPError) else str(error.reason)
    except (OSError, HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


# --- The end of it ---


def summarise(python: Path, pins: dict[str, str]) -> str:
    """One line on what .venv holds, as the imported packages themselves say.

    Raises SetupError if torch or torchvision cannot be imported or is not what the lock pins.
    """
    say("importing torch and torchvision")
    imports = "import platform, torch, torchvision"
    code = f"{imports}; print(platform.python_version(), torch.__version__, torchvision.__version__)"
    done = run([str(python), "-I", "-c", code])
    if done.returncode != 0:
        raise SetupError(f"torch and torchvision are installed but cannot be imported:\n{tail(done)}")
    version, *found = done.stdout.split()
    for name, have in zip(TORCH_PAIR, found, strict=True):
        if public(have) != pins[name]:
            raise SetupError(
                f"expected {name} {pins[name]}, as requirements.txt pins it, found {have} in .venv; "
                "delete .venv and run `make setup` again"
            )
    return f".venv holds Python {version}, torch {found[0]}, torchvision {found[1]} (delete it to choose again)"


def adapt_dvc(root: Path, python: Path) -> None:
    """Tell DVC whether there is a Git repository; without one, as in an unpacked archive, it would refuse to work."""
    if not (root / ".dvc").is_dir():
        return
    reason, local = reason_without_git(root), root / ".dvc" / "config.local"
    noted = local.is_file() and "no_scm" in local.read_text(encoding="utf-8")
    change = [
        str(python),
        "-m",
        "dvc",
        "config",
        "--local",
        *(["core.no_scm", "true"] if reason else ["--unset", "core.no_scm"]),
    ]
    if reason and not noted:
        say(f"{reason}: noting core.no_scm in .dvc/config.local for DVC")
        require(change, root)
    elif noted and not reason:
        say("there is a Git repository now: taking core.no_scm out of .dvc/config.local")
        require(change, root)


def reason_without_git(root: Path) -> str:
    """Why DVC is to work without Git here; empty if it can use it."""
    if (root / ".git").exists():
        return ""
    parent = next((folder for folder in root.parents if (folder / ".git").exists()), None)
    if parent is None:
        return "no Git repository here"
    ignored = run(["git", "check-ignore", "--quiet", "dvc.yaml"], root).returncode == 0
    return f"the Git repository {parent} ignores this folder" if ignored else ""


def write_stamp(stamp: Path, text: str) -> None:
    partial = stamp.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(stamp)


# --- Processes ---


def pip_install(python: Path, arguments: list[str], settings: dict[str, str] | None = None) -> None:
    """Run `pip install`; its progress bar shows on a terminal, a line every half minute elsewhere.

    Raises SetupError if pip fails; its last line is pip's own.
    """
    quiet = [] if sys.stdout.isatty() else ["-qq"]
    command = [str(python), "-m", "pip", "install", *quiet, *arguments]
    # What comes as source only is built apart: older versions of pip would run its setup.py inside .venv.
    fixed = {"PIP_USE_PEP517": "1", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment = {**os.environ, **fixed, **(settings or {})}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        errors = wait(process)
    if process.returncode != 0:
        said = "\n".join(errors.splitlines()[-20:])
        if "SOCKS" in said:
            said += "\npip cannot go through a SOCKS proxy: set HTTPS_PROXY=http://HOST:PORT and unset ALL_PROXY"
        raise SetupError(f"pip install {' '.join(arguments)} failed:\n{said}")


def wait(process: subprocess.Popen[str]) -> str:
    """What the process wrote to stderr, once it has ended."""
    start = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=HEARTBEAT_SECONDS)[1]
        except subprocess.TimeoutExpired:
            if not sys.stdout.isatty():
                say(f"still installing after {time.monotonic() - start:.0f} s")


def run(command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def require(command: list[str], folder: Path | None = None) -> str:
    """What the command prints; SetupError with what it complained of if it fails."""
    done = run(command, folder)
    if done.returncode != 0:
        brief = " ".join((command[0], "...", *command[-2:]))
        raise SetupError(f"{brief} failed with status {done.returncode}:\n{tail(done)}")
    return done.stdout


def tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def public(version: str) -> str:
    """A version without its build: 2.14.1 of 2.14.1+cpu."""
    return version.partition("+")[0]


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
