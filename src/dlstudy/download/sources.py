"""Raw data sets: where they come from, and the check that makes every origin equally good.

The SHA256SUMS of a raw data set lists its files with the checksums of their decompressed bytes; a name that ends in .gz
has that of the compressed ones, where no others are published. `download` asks one source after the other to fill a
folder and takes the first whose files all match: the outcome is the same bytes wherever they came from.

torchvision takes seconds to import and knows neither retries nor time-outs: it is imported in a child process
only, which can be ended at any moment.
"""

import contextlib
import functools
import gzip
import hashlib
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, Final
from urllib.error import HTTPError, URLError

from dlstudy.core.base.errors import DataError

STALL_SECONDS: Final = 30.0
"""A connection on which nothing arrives for this long is given up, whatever time the source has left."""

RETRY_WAIT_SECONDS = 1.0
"""Pause before the second attempt; it doubles before each further one."""

BLOCK_BYTES: Final = 1 << 20
SHA256_DIGITS: Final = 64


class SourceUnavailable(DataError):  # noqa: N818 - an answer of a source, not yet an error of the chain
    """A source cannot give the files; the message is the reason."""


class DownloadError(DataError):
    """No source gave the files; the message lists each with its reason, and what can be done."""


@dataclass(frozen=True)
class Source:
    """Somewhere raw files come from; `name` is what it is called in messages.

    `fetch` puts the files, plain or with .gz appended, into an empty folder; SourceUnavailable if it cannot.
    """

    name: str
    fetch: Callable[[Path, Collection[str]], None]


# --- the chain of sources ------------------------------------------------------------------------


def download(
    sources: Sequence[Source], target: Path, checksums: Mapping[str, str], hint: str = "", *, label: str | None = None
) -> Source:
    """The first source whose files match `checksums`; they now are the folder `target`, and nothing else is.

    A checksum may be the beginning of one, as the names of published weights have it.
    All are there decompressed, and what was verified as a gzip file as such too, so that the folder can be a source.
    The folder appears (or is replaced) whole or not at all. Until then all happens in a hidden neighbour,
    which is removed on failure, Ctrl-C and SIGTERM, and at the next call if even that was impossible.
    DownloadError when no source is left; `hint` ends its message. Messages call the folder `label`, else by its name.
    """
    failures = []
    name = label or target.name
    with workspace(target) as room:
        for number, source in enumerate(sources, start=1):
            say(f"{name}: trying {source.name}")
            fetched, plain = room / f"fetched-{number}", room / f"plain-{number}"
            fetched.mkdir()
            plain.mkdir()
            try:
                source.fetch(fetched, checksums)
                _unpack_verified(fetched, plain, checksums)
            except (SourceUnavailable, OSError) as error:
                say(f"{name}: warning: nothing taken from {source.name}: {error}")
                failures.append(f"{number}. {source.name}: {error}")
            else:
                install(plain, target)
                say(f"{name}: {len(checksums)} verified file(s) from {source.name}")
                return source
    wanted = f"Files wanted: {_listed(checksums)}."
    raise DownloadError("\n  ".join([f"{label or target}: no source gave the files. Tried:", *failures, wanted, hint]))


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that everything is cleaned up."""

    def unwind(signum: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    previous = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def workspace(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target, so that moving is atomic; it is removed whatever happens.

    SIGTERM unwinds the stack meanwhile as Ctrl-C does. The folders of killed runs are removed now.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.partial-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover)
    with terminable(), tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as folder:
        yield Path(folder)


def install(files: Path, target: Path) -> None:
    """Put a folder in the target's place: two renames, as no folder can replace one that has files in it."""
    attic = files.with_name("replaced")
    try:
        if target.exists():
            target.replace(attic)
        files.replace(target)
    except BaseException:
        if attic.exists() and not target.exists():
            attic.replace(target)
        raise


# --- verification --------------------------------------------------------------------------------


def _unpack_verified(fetched: Path, plain: Path, checksums: Mapping[str, str]) -> None:
    """Write all files to the folder `plain`, decompressed; SourceUnavailable names each that is not as listed."""
    problems = []
    for name, expected in checksums.items():
        wanted = f"expected SHA-256 {expected}" + ("" if len(expected) == SHA256_DIGITS else "...")
        origin = _plain_or_gzip(fetched, name)
        if origin is None:
            problems.append(f"{name}: {wanted}, found no such file")
            continue
        found, size, fault = _unpack(origin, plain / name)
        if found.startswith(expected) and _is_gzip(name):
            _, size, fault = _unpack(plain / name, plain / Path(name).stem)
        if not found.startswith(expected) or fault:
            problems.append(f"{origin.name}: {wanted}, found {found} ({size} bytes{fault})")
    if problems:
        raise SourceUnavailable("; ".join(problems))


def _is_gzip(name: str) -> bool:
    return name.endswith(".gz")


def _plain_or_gzip(folder: Path, name: str) -> Path | None:
    """The file as it is or compressed; of one whose checksum is that of its compressed bytes, these alone."""
    candidates = (folder / name,) if _is_gzip(name) else (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _listed(files: Collection[str]) -> str:
    """The names as messages have them, and in which form each will do."""
    compressed, plain = (", ".join(name for name in files if _is_gzip(name) == each) for each in (True, False))
    parts = [f"{plain} (or .gz)"] if plain else []
    parts += [f"{compressed} (compressed: no checksums of the decompressed files are published)"] if compressed else []
    return " and ".join(parts)


def _unpack(origin: Path, target: Path) -> tuple[str, int, str]:
    """SHA-256 and number of the bytes written to the file `target`, and what is wrong with the gzip stream.

    They are decompressed unless the target is a gzip file too.
    """
    digest, size = hashlib.sha256(), 0
    decompress = _is_gzip(origin.name) and not _is_gzip(target.name)
    with target.open("wb") as output, gzip.open(origin) if decompress else origin.open("rb") as stream:
        try:
            while block := stream.read(BLOCK_BYTES):
                size += output.write(block)
                digest.update(block)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            return digest.hexdigest(), size, f" before the gzip stream breaks: {error}"
    return digest.hexdigest(), size, ""


# --- sources on this machine ---------------------------------------------------------------------


def _copy(origin: Path, folder: Path, files: Collection[str]) -> None:
    found = {name: _plain_or_gzip(origin, name) for name in files}
    if missing := [name for name, path in found.items() if path is None]:
        raise SourceUnavailable(f"expected {_listed(missing)} in {origin}, found no such file")
    for path in filter(None, found.values()):
        shutil.copyfile(path, folder / path.name)


def repository_folder(origin: Path) -> Source:
    """Files that belong to the repository."""
    return Source(f"the repository's {origin}", functools.partial(_copy, origin))


def local_folder(origin: Path, layouts: Sequence[str] = ()) -> Source:
    """A folder that the user names; the files are in it or in the first of its `layouts` that has any."""

    def fetch(folder: Path, files: Collection[str]) -> None:
        root = origin.expanduser()
        if not root.is_dir():
            raise SourceUnavailable(f"expected a folder, found {'a file' if root.exists() else 'nothing'}")
        for place in (root, *(root / layout for layout in layouts)):
            if any(_plain_or_gzip(place, name) for name in files):
                return _copy(place, folder, files)
        below = f" or in its {' or '.join(layouts)}" if layouts else ""
        raise SourceUnavailable(f"expected {_listed(files)} in it{below}, found none of them")

    return Source(f"the local folder {origin}", fetch)


# --- torchvision ---------------------------------------------------------------------------------


def torchvision_download(class_name: str, attempts: int, timeout_seconds: float) -> Source:
    """By torchvision's own downloader, for a data set of the MNIST family (FashionMNIST, KMNIST, ...).

    It has `timeout_seconds` in all, its start included; each file is asked for up to `attempts` times.
    """

    def fetch(folder: Path, _files: Collection[str]) -> None:
        run_in_child(fetch_by_torchvision, (class_name, folder, attempts), timeout_seconds)

    return Source(f"torchvision's downloader ({class_name})", fetch)


def fetch_by_torchvision(class_name: str, folder: Path, attempts: int) -> None:
    """Download the gzip files of torchvision.datasets.<class_name>, each from the first mirror with it."""
    try:
        from torchvision import datasets
        from torchvision.datasets.utils import download_url
    except ImportError as error:
        raise SourceUnavailable(f"torchvision cannot be imported ({error})") from None
    dataset = getattr(datasets, class_name)
    for file_name, md5 in dataset.resources:
        reasons = []
        for url in (f"{mirror}{file_name}" for mirror in dataset.mirrors):
            say(url)
            try:
                retried(functools.partial(download_url, url, folder, md5=md5), attempts)
                break
            except SourceUnavailable as error:
                reasons.append(f"{url}: {error}")
        else:
            raise SourceUnavailable("; ".join(reasons))


def retried(action: Callable[[], None], attempts: int) -> None:
    """Call until it succeeds; SourceUnavailable after the `attempts`th failure, or one that will not pass."""
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except (OSError, HTTPException, RuntimeError) as error:
            if attempt == attempts or not _may_pass(error):
                raise SourceUnavailable(str(error) or type(error).__name__) from None
            pause = RETRY_WAIT_SECONDS * 2 ** (attempt - 1)
            say(f"attempt {attempt} of {attempts} failed ({error}); again in {pause:g} s")
            time.sleep(pause)


def _may_pass(error: Exception) -> bool:
    """Whether a retry may help: yes after a broken or silent connection, no if the host has no address."""
    if isinstance(error, HTTPError):
        busy = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        return error.code in busy or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
    reason = error.reason if isinstance(error, URLError) else error
    wrong_md5 = RuntimeError  # as torchvision calls it
    return isinstance(reason, TimeoutError | ConnectionError | HTTPException | wrong_md5)


def run_in_child(function: Callable[..., None], arguments: tuple[Any, ...], seconds: float) -> None:
    """Call a function in a process that ends with this call; SourceUnavailable if it fails or is late.

    There a connection on which nothing arrives is given up after STALL_SECONDS, or `seconds` if that is less.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, function, arguments, min(STALL_SECONDS, seconds)), daemon=True)
    with receiver:
        try:
            with sender:
                child.start()
            if not receiver.poll(seconds):
                raise SourceUnavailable(f"not done within timeout_seconds = {seconds:g}")
            reason = receiver.recv()
        except EOFError:
            child.join()
            raise SourceUnavailable(f"its process ended with exit code {child.exitcode}") from None
        finally:
            if child.pid is not None:
                child.kill()
                child.join()
    if reason is not None:
        raise SourceUnavailable(reason)


def _child(sender: Connection, function: Callable[..., None], arguments: tuple[Any, ...], stall_seconds: float) -> None:
    """Send None after success, else the reason. Ctrl-C is left to the parent, which ends this process."""
    socket.setdefaulttimeout(stall_seconds)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_after_parent, daemon=True).start()
    reason = None
    try:
        function(*arguments)
    except SourceUnavailable as error:
        reason = str(error)
    sender.send(reason)


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# --- Debian's packages ---------------------------------------------------------------------------


NO_HOOKS: Final = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""
"""apt configuration: what the system does around an update of its own lists is not for private ones."""


def debian_package(package: str, place: str, attempts: int, timeout_seconds: float) -> Source:
    """Files of a Debian package, fetched by apt-get, unpacked by dpkg-deb: no installation, no root.

    `place` is the files' folder inside the package. All commands together have `timeout_seconds`; apt-get makes up to
    `attempts` attempts at each file.
    """

    def fetch(folder: Path, files: Collection[str]) -> None:
        for tool in ("apt-get", "dpkg-deb"):
            if shutil.which(tool) is None:
                raise SourceUnavailable(f"expected the command {tool} (of Debian and Ubuntu), found none")
        end = time.monotonic() + timeout_seconds
        with tempfile.TemporaryDirectory(prefix="package-", dir=folder.resolve()) as name:
            work = Path(name)
            run = functools.partial(_run, folder=work, end=end)
            archive = _archive(package, work, _apt_options(work, attempts, timeout_seconds), run)
            status, message = run(["dpkg-deb", "-x", archive.name, "unpacked"])
            if status:
                raise SourceUnavailable(f"{archive.name} cannot be unpacked: {message}")
            _copy(work / "unpacked" / place, folder, files)

    return Source(f"the Debian package {package}", fetch)


def _apt_options(work: Path, attempts: int, timeout_seconds: float) -> list[str]:
    stall_seconds = max(1, round(min(STALL_SECONDS, timeout_seconds)))
    values = {
        "Dir::Cache": work / "cache",  # the system's is not ours to fill
        "APT::Sandbox::User": "root",  # no change of user, who might not be allowed into this folder
        "Acquire::Languages": "none",  # no translated descriptions
        "Acquire::Retries": attempts - 1,
        "Acquire::http::Timeout": stall_seconds,
        "Acquire::https::Timeout": stall_seconds,
    }
    return [argument for key, value in values.items() for argument in ("-o", f"{key}={value}")]


def _archive(package: str, work: Path, options: list[str], run: Callable[[list[str]], tuple[int, str]]) -> Path:
    """The package, downloaded; by fresh package lists where the system has none or outdated ones."""
    (work / "lists" / "partial").mkdir(parents=True)
    (work / "no-hooks.conf").write_text(NO_HOOKS)
    apt = ["apt-get", *options]
    fresh = [*apt, "-c", "no-hooks.conf", "-o", f"Dir::State::lists={work / 'lists'}"]
    status, message = run([*apt, "download", package])
    if status:
        _, update_message = run([*fresh, "update"])
        status, fresh_message = run([*fresh, "download", package])
        message = f"{message}; with fresh package lists: {update_message} {fresh_message}"
    archives = list(work.glob("*.deb"))
    if status or len(archives) != 1:
        raise SourceUnavailable(f"expected a package from apt-get, found {len(archives)}: {message}")
    return archives[0]


def _run(command: list[str], folder: Path, end: float) -> tuple[int, str]:
    """Exit status and last messages of a command that may take until time.monotonic() is `end`.

    Its standard output, apt's progress, goes to standard error. SourceUnavailable if it is late.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},  # messages in the language of this program
        stdin=subprocess.DEVNULL,
        stdout=2,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that the processes it starts end with it
    ) as process:
        try:
            _, messages = process.communicate(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise SourceUnavailable(f"{command[0]} was not done within timeout_seconds") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, " ".join(messages.splitlines()[-2:])
