import contextlib
import gzip
import hashlib
import http.server
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from dlstudy.core.base.errors import DataError
from dlstudy.core.base.published import read_checksums
from dlstudy.download import sources
from dlstudy.download.sources import (
    DownloadError,
    Source,
    SourceUnavailable,
    debian_package,
    download,
    fetch_by_torchvision,
    local_folder,
    repository_folder,
    torchvision_download,
)
from tests.image_sets import IMAGE_SETS

ROOT = Path(__file__).parents[2]
CONTENTS = {"images-ubyte": bytes(range(256)) * 40, "labels-ubyte": b"\x00\x01\x02"}
CHECKSUMS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


def fill(folder: Path, contents: dict[str, bytes] = CONTENTS, *, compress: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / (f"{name}.gz" if compress else name)
        path.write_bytes(gzip.compress(content) if compress else content)
    return folder


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def scripted(action: Callable[[Path], object], name: str = "a scripted source") -> Source:
    """A source that does what a test tells it."""
    return Source(name, lambda folder, files: action(folder))


def raises(error: BaseException) -> Callable[[Path], object]:
    def action(folder: Path) -> None:
        fill(folder, {"images-ubyte": b"the first half"})
        raise error

    return action


GOOD = scripted(fill, "a good source")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw data" / "clothes"


# --- lists of checksums --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [" ", "*"])  # of text and of binary files
def test_checksums_as_sha256sum_writes_them(tmp_path, mode):
    path = tmp_path / "SHA256SUMS"
    path.write_text("".join(f"{checksum} {mode}{name}\n" for name, checksum in CHECKSUMS.items()))
    assert read_checksums(path) == CHECKSUMS


@pytest.mark.parametrize("name", [*IMAGE_SETS, "housing"])
def test_checksums_of_the_study_are_well_formed(name):
    assert read_checksums(ROOT / "datasets" / name / "SHA256SUMS")


GOOD_LINE = f"{CHECKSUMS['images-ubyte']}  images-ubyte"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# comment",
        "abc  labels-ubyte",
        f"{'g' * 64}  labels-ubyte",
        "0" * 64,
        f"{'0' * 64}  ../labels-ubyte",
    ],
)
def test_a_malformed_line_is_named(tmp_path, line):
    path = tmp_path / "SHA256SUMS"
    path.write_text(f"{GOOD_LINE}\n{line}\n")
    with pytest.raises(DataError) as caught:
        read_checksums(path)
    assert str(caught.value).startswith(f"{path}, line 2: expected '<64 hex digits>  <file name>', found {line!r}")


def test_a_file_listed_twice_is_named(tmp_path):
    path = tmp_path / "SHA256SUMS"
    path.write_text(f"{GOOD_LINE}\n{GOOD_LINE}\n")
    with pytest.raises(DataError, match="line 2: expected each file once, found images-ubyte again"):
        read_checksums(path)


def test_an_empty_or_missing_list_is_named(tmp_path):
    path = tmp_path / "SHA256SUMS"
    with pytest.raises(DataError, match="SHA256SUMS: expected a list of checksums, found none"):
        read_checksums(path)
    path.touch()
    with pytest.raises(DataError, match="SHA256SUMS: expected at least one line"):
        read_checksums(path)


# --- the chain -----------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
def test_the_target_has_the_same_bytes_from_plain_and_compressed_files(target, compress):
    source = scripted(lambda folder: fill(folder, {**CONTENTS, "README": b"more"}, compress=compress))
    assert download([source], target, CHECKSUMS) is source
    assert contents_of(target) == CONTENTS
    assert names_in(target.parent) == [target.name]
    assert target.stat().st_mode & 0o777 == target.parent.stat().st_mode & 0o777  # not a private folder


def test_every_source_failing_lists_all_with_their_reasons(target):
    failing = [
        scripted(raises(SourceUnavailable("out of town")), "the first"),
        scripted(raises(OSError("disk full")), "the second"),
        scripted(lambda folder: None, "the third"),
    ]
    with pytest.raises(DownloadError) as caught:
        download(failing, target, CHECKSUMS, "Ask a friend.")
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert lines[1:3] == ["1. the first: out of town", "2. the second: disk full"]
    assert lines[3].startswith(f"3. the third: images-ubyte: expected SHA-256 {CHECKSUMS['images-ubyte']}, found no")
    assert "labels-ubyte: expected" in lines[3]
    assert lines[4:] == [
        "Files wanted: images-ubyte, labels-ubyte (or .gz).",
        "Ask a friend.",
    ]
    assert names_in(target.parent) == []


def truncated_gzip(folder: Path) -> None:
    fill(folder, compress=True)
    path = folder / "images-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])


def without_its_last_bytes(folder: Path) -> None:
    fill(folder, compress=True)
    path = folder / "images-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-4])  # all data are there, but not the length behind them


def corrupted_gzip(folder: Path) -> None:
    fill(folder, compress=True)
    path = folder / "images-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:15] + bytes(byte ^ 255 for byte in content[15:25]) + content[25:])


def error_page(folder: Path) -> None:
    fill(folder, compress=True)
    (folder / "images-ubyte.gz").write_bytes(b"<html>404</html>")


def truncated_plain(folder: Path) -> None:
    fill(folder, {**CONTENTS, "images-ubyte": CONTENTS["images-ubyte"][:-1]})


def wrong(folder: Path) -> None:
    fill(folder, {**CONTENTS, "images-ubyte": CONTENTS["images-ubyte"][::-1]}, compress=True)


@pytest.mark.parametrize(
    "damage", [truncated_gzip, without_its_last_bytes, corrupted_gzip, error_page, truncated_plain, wrong]
)
def test_a_bad_file_is_named_with_both_hashes_and_the_next_source_tried(target, capsys, damage):
    assert download([scripted(damage, "a bad source"), GOOD], target, CHECKSUMS) is GOOD
    assert contents_of(target) == CONTENTS
    warning = next(line for line in capsys.readouterr().err.splitlines() if "warning" in line)
    assert "a bad source: images-ubyte" in warning
    assert f"expected SHA-256 {CHECKSUMS['images-ubyte']}, found " in warning
    assert "labels-ubyte" not in warning


def test_a_broken_gzip_file_is_refused_even_if_its_data_are_complete(target, monkeypatch):
    monkeypatch.setattr(sources, "BLOCK_BYTES", 1024)  # divides the data's size: the end is a block of its own
    assert len(CONTENTS["images-ubyte"]) % 1024 == 0
    with pytest.raises(DownloadError) as caught:
        download([scripted(without_its_last_bytes)], target, CHECKSUMS)
    checksum = CHECKSUMS["images-ubyte"]
    assert f"expected SHA-256 {checksum}, found {checksum} (10240 bytes before the gzip" in str(caught.value)


def test_the_hash_found_is_that_of_the_bytes(target):
    with pytest.raises(DownloadError) as caught:
        download([scripted(truncated_plain)], target, CHECKSUMS)
    size = len(CONTENTS["images-ubyte"]) - 1
    found = hashlib.sha256(CONTENTS["images-ubyte"][:size]).hexdigest()
    assert f"found {found} ({size} bytes)" in str(caught.value)


def test_wrong_files_everywhere_leave_nothing(target):
    with pytest.raises(DownloadError, match=r"(?s)1\. a scripted source: images.*2\. a scripted source: images"):
        download([scripted(wrong), scripted(truncated_gzip)], target, CHECKSUMS)
    assert names_in(target.parent) == []


def test_progress_says_what_is_tried_and_what_won(target, capsys):
    download([scripted(raises(SourceUnavailable("closed")), "the shop"), GOOD], target, CHECKSUMS)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "clothes: trying the shop",
        "clothes: warning: nothing taken from the shop: closed",
        "clothes: trying a good source",
        "clothes: 2 verified file(s) from a good source",
    ]


def test_a_target_is_replaced_as_a_whole(target):
    fill(target, {"images-ubyte": b"old", "stale": b"old"})
    download([GOOD], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS
    assert names_in(target.parent) == [target.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ZeroDivisionError("a bug")])
def test_an_interruption_leaves_only_the_previous_target(target, error):
    fill(target, {"previous": b"good"})
    with pytest.raises(type(error)):
        download([scripted(raises(error)), GOOD], target, CHECKSUMS)
    assert contents_of(target) == {"previous": b"good"}
    assert names_in(target.parent) == [target.name]


def test_an_interruption_between_the_two_renames_restores_the_previous_target(target, monkeypatch):
    fill(target, {"previous": b"good"})
    rename = Path.replace

    def interrupted(path: Path, new: Path) -> Path:
        if path.name.startswith("plain"):
            raise KeyboardInterrupt
        return rename(path, new)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download([GOOD], target, CHECKSUMS)
    assert contents_of(target) == {"previous": b"good"}
    assert names_in(target.parent) == [target.name]


def test_sigterm_cleans_up_and_its_handler_is_put_back(target):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        download([scripted(lambda folder: os.kill(os.getpid(), signal.SIGTERM)), GOOD], target, CHECKSUMS)
    assert caught.value.code == 128 + signal.SIGTERM
    assert names_in(target.parent) == []
    assert signal.getsignal(signal.SIGTERM) is before


KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from dlstudy.download.sources import Source, download

def fetch(folder, files):
    for name in files:
        (folder / name).write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

download([Source("fatal", fetch)], Path(sys.argv[1]), {"images-ubyte": "0" * 64})
"""


def test_leftovers_of_a_killed_run_are_not_taken_and_are_removed(target):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, target], env=environment, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    assert len(names_in(target.parent)) == 1  # the leftover
    with pytest.raises(DownloadError):
        download([scripted(lambda folder: None)], target, CHECKSUMS)
    assert names_in(target.parent) == []


# --- files whose checksum is that of their compressed bytes ---------------------------------------

COMPRESSED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
OF_COMPRESSED = {name: hashlib.sha256(content).hexdigest() for name, content in COMPRESSED.items()}


def test_a_name_that_ends_in_gz_is_verified_compressed_and_unpacked(target):
    download([scripted(lambda folder: fill(folder, COMPRESSED))], target, OF_COMPRESSED)
    assert contents_of(target) == CONTENTS | COMPRESSED


def test_the_outcome_can_be_the_source_again(target, tmp_path):
    download([scripted(lambda folder: fill(folder, COMPRESSED))], target, OF_COMPRESSED)
    download([local_folder(target)], tmp_path / "again", OF_COMPRESSED)
    assert contents_of(tmp_path / "again") == CONTENTS | COMPRESSED


def test_the_same_bytes_compressed_otherwise_are_refused(target):
    other = {name: gzip.compress(content, compresslevel=1, mtime=1) for name, content in CONTENTS.items()}
    with pytest.raises(DownloadError) as caught:
        download(
            [scripted(lambda folder: fill(folder, {f"{name}.gz": other[name] for name in other}))],
            target,
            OF_COMPRESSED,
        )
    found = hashlib.sha256(other["labels-ubyte"]).hexdigest()
    assert f"labels-ubyte.gz: expected SHA-256 {OF_COMPRESSED['labels-ubyte.gz']}, found {found}" in str(caught.value)
    assert names_in(target.parent) == []


def test_decompressed_files_will_not_do_and_the_error_says_so(target, tmp_path):
    with pytest.raises(DownloadError) as caught:
        download([local_folder(fill(tmp_path / "mine"))], target, OF_COMPRESSED)
    wanted = "images-ubyte.gz, labels-ubyte.gz (compressed: no checksums of the decompressed files are published)"
    *_, tried, last, _hint = str(caught.value).splitlines()
    assert tried.endswith(f"expected {wanted} in it, found none of them")
    assert last.strip() == f"Files wanted: {wanted}."


def test_a_verified_gzip_file_that_does_not_unpack_is_refused(target):
    broken = {"images-ubyte.gz": COMPRESSED["images-ubyte.gz"][:-4]}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in broken.items()}
    with pytest.raises(DownloadError, match="before the gzip stream breaks"):
        download([scripted(lambda folder: fill(folder, broken))], target, checksums)


# --- sources on this machine ---------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("named", "place"),
    [("", ""), ("FashionMNIST", "raw"), ("FashionMNIST/raw", ""), ("", "FashionMNIST/raw")],
)
def test_a_local_folder_may_be_laid_out_as_torchvision_does(target, tmp_path, named, place, compress):
    mine = tmp_path / "mine"
    fill(mine / named / place, compress=compress)
    fill(mine / "MNIST" / "raw", dict.fromkeys(CONTENTS, b"another data set"))
    download([local_folder(mine / named, layouts=("raw", "FashionMNIST/raw"))], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS


def test_a_local_folder_that_is_missing_empty_or_incomplete_is_reported(tmp_path):
    folder = tmp_path / "mine"
    source = local_folder(folder, layouts=("raw",))
    with pytest.raises(SourceUnavailable, match="expected a folder, found nothing"):
        source.fetch(tmp_path, CONTENTS)
    folder.mkdir()
    with pytest.raises(SourceUnavailable, match=r"expected images-ubyte, labels-ubyte \(or .gz\) in it or in its raw"):
        source.fetch(tmp_path, CONTENTS)
    fill(folder / "raw", {"labels-ubyte": b"1"})
    with pytest.raises(SourceUnavailable, match=r"expected images-ubyte \(or .gz\) in .*raw, found no such file"):
        source.fetch(tmp_path, CONTENTS)
    assert str(folder) in source.name


def test_a_bad_local_folder_is_told_and_the_chain_goes_on(target, tmp_path, capsys):
    fill(tmp_path / "mine", {**CONTENTS, "labels-ubyte": b"damaged"})
    download([local_folder(tmp_path / "mine"), GOOD], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS
    message = capsys.readouterr().err
    assert f"warning: nothing taken from the local folder {tmp_path / 'mine'}: labels-ubyte: expected" in message


def test_the_shipped_housing_table_is_what_its_checksum_says(target):
    folder = ROOT / "datasets" / "housing"
    checksums = read_checksums(folder / "SHA256SUMS")
    # independent of the file beside it: the digest printed in the study's protocol
    assert checksums == {"ames_housing.csv": "89d657b07b7bfa43ef1a6cf3ed9ed9f16d19e240d540faebbe94f32cfbcb5064"}
    download([repository_folder(folder)], target, checksums)
    assert contents_of(target) == {"ames_housing.csv": (folder / "ames_housing.csv").read_bytes()}


# --- torchvision: a server on this machine in place of its mirrors -------------------------------


@dataclass
class Mirror:
    """A web server's behaviour and log; `answers` are taken one a request, then `files` are served."""

    files: dict[str, bytes]
    answers: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        name = handler.path.removeprefix("/")
        self.requests.append(name)
        self.asked.set()
        match self.answers.pop(0) if self.answers else "serve":
            case "busy":
                handler.send_error(503)
            case "gone":
                handler.send_error(404)
            case "silent":
                self.closing.wait(30)
            case "cut":
                self._serve(handler, name, self.files[name][:-5])
            case "drip":
                self._drip(handler)
            case _:
                self._serve(handler, name, self.files[name])

    def _serve(self, handler: http.server.BaseHTTPRequestHandler, name: str, content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.files[name])))
        handler.end_headers()
        handler.wfile.write(content)

    def _drip(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """A byte now and then: never silent for long, never done."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            while not self.closing.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:
            self.hung_up.set()


@contextlib.contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.closing.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    from torchvision.datasets import FashionMNIST

    monkeypatch.setattr(sources, "RETRY_WAIT_SECONDS", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Mirror(COMPRESSED)) as mirror:
        resources = [
            (name, hashlib.md5(content, usedforsecurity=False).hexdigest()) for name, content in COMPRESSED.items()
        ]
        monkeypatch.setattr(FashionMNIST, "mirrors", [mirror.url])
        monkeypatch.setattr(FashionMNIST, "resources", resources)
        yield mirror


def test_torchvision_fetches_its_files(mirror, tmp_path):
    fetch_by_torchvision("FashionMNIST", tmp_path, attempts=1)
    assert contents_of(tmp_path) == COMPRESSED


# For each file torchvision sends two requests: one to follow redirects, one for the content.
FAULTS = [(["busy"], "503", 10), (["silent"], "timed out", 1.5), (["serve", "cut"], "corrupted", 10)]


@pytest.mark.parametrize(("answers", "reason", "stall_seconds"), FAULTS)
def test_torchvision_is_asked_again_after_a_fault_that_may_pass(
    mirror, tmp_path, capsys, stall_after, answers, reason, stall_seconds
):
    mirror.answers = list(answers)
    stall_after(stall_seconds)
    fetch_by_torchvision("FashionMNIST", tmp_path, attempts=2)
    assert contents_of(tmp_path) == COMPRESSED
    assert len(mirror.requests) == len(answers) + 2 * len(COMPRESSED)
    assert f"{mirror.url}images-ubyte.gz" in capsys.readouterr().err


@pytest.mark.parametrize(("answers", "reason", "stall_seconds"), FAULTS)
def test_attempts_at_torchvision_are_bounded(mirror, tmp_path, stall_after, answers, reason, stall_seconds):
    mirror.answers = answers * 100
    stall_after(stall_seconds)
    with pytest.raises(SourceUnavailable, match=rf"{mirror.url}images-ubyte\.gz: .*{reason}"):
        fetch_by_torchvision("FashionMNIST", tmp_path, attempts=3)
    assert mirror.requests == ["images-ubyte.gz"] * len(answers) * 3


def test_an_absent_file_is_not_asked_for_again_but_sought_on_the_next_mirror(mirror, tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST

    with serving(Mirror({}, answers=["gone"] * 9)) as empty:
        monkeypatch.setattr(FashionMNIST, "mirrors", [empty.url, mirror.url])
        fetch_by_torchvision("FashionMNIST", tmp_path, attempts=5)
    assert contents_of(tmp_path) == COMPRESSED
    assert empty.requests == ["images-ubyte.gz", "labels-ubyte.gz"]


def test_a_host_without_an_address_is_asked_for_once(mirror, tmp_path, monkeypatch):
    asked = []

    def unknown(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SourceUnavailable, match="Name or service not known"):
        fetch_by_torchvision("FashionMNIST", tmp_path, attempts=5)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (HTTPError("", 500, "", None, None), True),
        (HTTPError("", 429, "", None, None), True),
        (HTTPError("", 403, "", None, None), False),
        (URLError(ConnectionRefusedError()), True),
        (URLError(TimeoutError()), True),
        (URLError(socket.gaierror(socket.EAI_AGAIN, "no name server")), False),
        (ConnectionResetError(), True),
        (OSError(28, "No space left on device"), False),
    ],
)
def test_which_faults_may_pass(error, passing):
    assert sources._may_pass(error) is passing


STAND_IN = """
import shutil
import urllib.request

def download_url(url, root, md5):
    with urllib.request.urlopen(url) as response, open(f"{root}/{url.rpartition('/')[2]}", "wb") as file:
        shutil.copyfileobj(response, file, length=1)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A tiny package named torchvision, which child processes find as they get the parent's path."""
    package = tmp_path / "path" / "torchvision" / "datasets"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "utils.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(tmp_path / "path")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Mirror(COMPRESSED)) as mirror:
        (package / "__init__.py").write_text(
            f"class FashionMNIST:\n    mirrors = [{mirror.url!r}]\n"
            f"    resources = {[(name, '') for name in COMPRESSED]!r}\n"
        )
        yield mirror


def test_torchvision_works_in_a_child_process(stand_in, target):
    download([torchvision_download("FashionMNIST", attempts=1, timeout_seconds=60)], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS


def test_a_server_that_is_never_done_meets_the_deadline(stand_in, target):
    stand_in.answers = ["drip"]
    with pytest.raises(DownloadError, match="not done within timeout_seconds = 2"):
        download([torchvision_download("FashionMNIST", attempts=9, timeout_seconds=2)], target, CHECKSUMS)
    if stand_in.asked.is_set():  # else the child was not there yet
        assert stand_in.hung_up.wait(120)  # it is gone, and its connection with it
    assert names_in(target.parent) == []


def test_a_silent_server_is_given_up_long_before_the_deadline(stand_in, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "STALL_SECONDS", 0.5)
    stand_in.answers = ["silent"]
    with pytest.raises(SourceUnavailable, match=r"images-ubyte\.gz: timed out"):
        torchvision_download("FashionMNIST", attempts=1, timeout_seconds=60).fetch(tmp_path, CONTENTS)


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dlstudy.download.sources import torchvision_download

if __name__ == "__main__":
    torchvision_download("FashionMNIST", attempts=1, timeout_seconds=600).fetch(Path(sys.argv[2]), [])
"""


def test_a_killed_parent_takes_its_child_process_with_it(stand_in, tmp_path):
    stand_in.answers = ["drip"]
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, script, tmp_path / "path", tmp_path]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        assert stand_in.asked.wait(120)
        parent.kill()
    assert stand_in.hung_up.wait(120)


def test_the_reason_comes_back_from_the_child_process(stand_in, tmp_path):
    stand_in.answers = ["gone"]
    with pytest.raises(SourceUnavailable, match=r"images-ubyte\.gz: HTTP Error 404"):
        torchvision_download("FashionMNIST", attempts=9, timeout_seconds=60).fetch(tmp_path, CONTENTS)


def give_a_long_reason():
    raise SourceUnavailable("x" * 200_000)  # more than a pipe holds


def test_a_long_reason_arrives_whole():
    with pytest.raises(SourceUnavailable, match=r"^x{200000}$"):
        sources.run_in_child(give_a_long_reason, (), seconds=60)


def test_a_child_process_that_ends_without_a_word_has_not_succeeded():
    with pytest.raises(SourceUnavailable, match="its process ended with exit code 0"):
        sources.run_in_child(os._exit, (0,), seconds=60)


def test_a_child_process_that_dies_is_a_reason():
    with pytest.raises(SourceUnavailable, match="its process ended with exit code 7"):
        sources.run_in_child(os._exit, (7,), seconds=60)


def test_torchvision_is_not_imported_before_it_is_needed():
    code = "import sys, dlstudy.download.sources; print({'torch', 'torchvision', 'numpy'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert found.stdout == "set()\n"


# --- Debian's packages: scripts in place of apt-get and dpkg-deb ---------------------------------

DOWNLOAD = 'echo "Get:1 a package"; echo archive > clothes_1_all.deb'
UNPACK = 'mkdir -p "$3/usr/share"; cp -R "$PACKAGE_CONTENT" "$3/usr/share/clothes"'


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Source]:
    """Call it with shell scripts to get a source that uses them; apt-get's arguments are logged."""

    def make(apt_get: str = DOWNLOAD, dpkg_deb: str = UNPACK, timeout_seconds: float = 60) -> Source:
        commands = tmp_path / "commands"
        commands.mkdir()
        log = 'for argument; do printf "%s\\n" "$argument" >> "$LOG"; done\n'
        for name, script in {"apt-get": log + apt_get, "dpkg-deb": dpkg_deb}.items():
            (commands / name).write_text(f"#!/bin/sh\n{script}\n")
            (commands / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
        monkeypatch.setenv("PACKAGE_CONTENT", str(fill(tmp_path / "content", compress=True)))
        monkeypatch.setenv("LOG", str(tmp_path / "log"))
        return debian_package("clothes", "usr/share/clothes", attempts=3, timeout_seconds=timeout_seconds)

    return make


def test_a_debian_package_is_downloaded_and_unpacked(debian, target, tmp_path):
    download([debian()], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS
    assert names_in(target.parent) == [target.name]
    arguments = (tmp_path / "log").read_text().splitlines()
    assert arguments[-2:] == ["download", "clothes"]
    assert "Acquire::Retries=2" in arguments
    assert "update" not in arguments


WITHOUT_LISTS = f"""
case "$*" in
    *Dir::State::lists=*update) touch updated ;;
    *Dir::State::lists=*download*) test -d lists/partial && test -e updated && {DOWNLOAD} ;;
    *) echo "E: Unable to locate package" >&2; exit 100 ;;
esac
"""


def test_without_package_lists_private_ones_are_fetched(debian, target, tmp_path):
    download([debian(WITHOUT_LISTS)], target, CHECKSUMS)
    assert contents_of(target) == CONTENTS
    arguments = (tmp_path / "log").read_text().splitlines()
    lists = {argument for argument in arguments if argument.startswith("Dir::State::lists=")}
    assert len(lists) == 1
    assert lists.pop().startswith(f"Dir::State::lists={target.parent}/")


@pytest.mark.parametrize("missing", ["apt-get", "dpkg-deb"])
def test_other_systems_than_debian_are_told_so(debian, tmp_path, monkeypatch, missing):
    source = debian()
    (tmp_path / "commands" / missing).unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "commands"))
    with pytest.raises(
        SourceUnavailable, match=rf"expected the command {missing} \(of Debian and Ubuntu\), found none"
    ):
        source.fetch(fill(tmp_path / "fetched", {}), CONTENTS)


@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({"apt_get": "echo 'E: Could not resolve host' >&2; exit 100"}, "found 0: E: Could not resolve host"),
        ({"apt_get": "true"}, "expected a package from apt-get, found 0"),
        (
            {"dpkg_deb": "echo 'unexpected end of file' >&2; exit 2"},
            "cannot be unpacked: unexpected end of file",
        ),
        (
            {"dpkg_deb": 'mkdir "$3"'},
            r"expected images-ubyte, labels-ubyte \(or .gz\) in .*usr/share/clothes",
        ),
    ],
)
def test_a_failing_debian_package_is_a_reason(debian, target, scripts, reason):
    with pytest.raises(DownloadError, match=reason):
        download([debian(**scripts)], target, CHECKSUMS)
    assert names_in(target.parent) == []


def test_apt_that_is_never_done_meets_the_deadline(debian, target):
    with pytest.raises(DownloadError, match="apt-get was not done within timeout_seconds"):
        download([debian("sleep 1000", timeout_seconds=0.5)], target, CHECKSUMS)
    assert names_in(target.parent) == []


def test_an_interruption_ends_apt_and_the_processes_it_started(debian, target, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv("FIFO", str(tmp_path / "fifo"))
    source = debian('(echo ready; exec sleep 1000) > "$FIFO" & wait')
    fifo = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)

    def next_message() -> bytes:
        assert select.select([fifo], [], [], 30)[0]
        return os.read(fifo, 100)

    def interrupted(process: subprocess.Popen[str], **_: object) -> None:
        assert next_message() == b"ready\n"
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download([source], target, CHECKSUMS)
    assert next_message() == b""  # the end of the file: nobody is left who could write to it
    assert names_in(target.parent) == []
    os.close(fifo)
