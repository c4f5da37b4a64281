import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlstudy.core.base.published import PublishedWeights
from dlstudy.download import sources
from dlstudy.download.sources import DownloadError, SourceUnavailable, local_folder
from dlstudy.download.weight_files import download_weights, fetch_weights, hub_folder, published_url
from tests.download.test_sources import Mirror, contents_of, names_in, raises, scripted, serving

ROOT = Path(__file__).parents[2]
CONTENT = bytes(range(256)) * 400
FILE = f"tiny-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
OTHER = f"other-{hashlib.sha256(b'other').hexdigest()[:8]}.pth"


def published(file: str = FILE, name: str = "Tiny_Weights.V1", server: str = "http://127.0.0.1:9/") -> PublishedWeights:
    """Weights at an address where nobody listens, unless a server is named."""
    return PublishedWeights(name, "tiny", f"{server}{file}")


WANTED = [published(), published(OTHER, "Other_Weights.V2")]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "the data" / "weights"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / FILE).write_bytes(CONTENT)
    (folder / OTHER).write_bytes(b"other")
    return folder


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(sources, "RETRY_WAIT_SECONDS", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Mirror({FILE: CONTENT})) as mirror:
        yield mirror


# --- Folders ---


def test_files_under_their_published_names_become_files_under_the_weights_names(target, mine):
    download_weights(WANTED, target, lambda weights: [local_folder(mine)], "")
    assert contents_of(target) == {"Tiny_Weights.V1.pth": CONTENT, "Other_Weights.V2.pth": b"other"}
    assert names_in(target.parent) == ["weights"]


def test_no_weights_make_an_empty_folder_in_place_of_what_was_there(target, mine):
    download_weights(WANTED, target, lambda weights: [local_folder(mine)], "")
    download_weights([], target, lambda weights: [local_folder(mine)], "")
    assert names_in(target) == []


@pytest.mark.parametrize("damaged", [CONTENT[:-1], CONTENT[::-1], b""])
def test_a_truncated_or_wrong_file_is_refused_wherever_it_comes_from(target, mine, damaged):
    (mine / FILE).write_bytes(damaged)
    with pytest.raises(DownloadError) as caught:
        download_weights(WANTED, target, lambda weights: [local_folder(mine)], "Ask a friend.")
    expected, found = FILE[5:13], hashlib.sha256(damaged).hexdigest()
    assert f"{FILE}: expected SHA-256 {expected}..., found {found} ({len(damaged)} bytes)" in str(caught.value)
    assert str(caught.value).endswith("Ask a friend.")
    assert names_in(target.parent) == []


def test_a_bad_file_is_told_and_the_next_source_asked(target, mine, tmp_path, capsys):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_bytes(b"<html>")
    download_weights([published()], target, lambda weights: [local_folder(tmp_path / "bad"), local_folder(mine)], "")
    assert contents_of(target) == {"Tiny_Weights.V1.pth": CONTENT}
    assert f"warning: nothing taken from the local folder {tmp_path / 'bad'}: {FILE}" in capsys.readouterr().err


def test_pytorchs_own_folder_is_where_pytorch_says_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert hub_folder().name == f"the local folder {tmp_path}/hub/checkpoints"


# --- The network: a server on this machine ---


def test_the_network_is_asked_when_no_folder_has_the_file(target, server):
    weights = published(server=server.url)
    download_weights([weights], target, lambda weights: [published_url(weights, attempts=1, timeout_seconds=60)], "")
    assert contents_of(target) == {"Tiny_Weights.V1.pth": CONTENT}
    assert server.requests == [FILE]


@pytest.mark.parametrize(
    ("answer", "told", "stall_seconds"),
    [("busy", "503", 10), ("silent", "timed out", 1.5), ("cut", "invalid hash value", 10)],
)
def test_the_network_is_asked_again_after_a_fault_that_may_pass(
    server, tmp_path, capsys, stall_after, answer, told, stall_seconds
):
    server.answers = [answer]
    stall_after(stall_seconds)
    fetch_weights(published(server=server.url), tmp_path, attempts=2)
    assert contents_of(tmp_path) == {FILE: CONTENT}
    assert f"attempt 1 of 2 failed ({told}" in capsys.readouterr().err.replace("HTTP Error ", "").replace(
        "<urlopen error ", ""
    )


def test_a_file_that_is_gone_is_asked_for_once(server, tmp_path):
    server.answers = ["gone"] * 3
    with pytest.raises(SourceUnavailable, match="404"):
        fetch_weights(published(server=server.url), tmp_path, attempts=3)
    assert server.requests == [FILE]
    assert names_in(tmp_path) == []


def test_a_wrong_file_from_the_network_is_refused(server, tmp_path):
    server.files[FILE] = b"something else"
    with pytest.raises(SourceUnavailable, match=rf'expected "{FILE[5:13]}", got "[0-9a-f]{{64}}"'):
        fetch_weights(published(server=server.url), tmp_path, attempts=2)
    assert server.requests == [FILE, FILE]


def test_a_slow_download_ends_in_time(target, server):
    server.answers = ["drip"]
    weights = published(server=server.url)
    with pytest.raises(DownloadError, match="not done within timeout_seconds = 1"):
        download_weights([weights], target, lambda weights: [published_url(weights, 1, timeout_seconds=1)], "")
    assert names_in(target.parent) == []


def test_without_network_and_file_every_source_is_reported(target, tmp_path):
    def of(weights):
        return [local_folder(tmp_path / "none"), published_url(weights, attempts=1, timeout_seconds=60)]

    with pytest.raises(DownloadError) as caught:
        download_weights(WANTED, target, of, "Ask a friend.")
    text = str(caught.value)
    assert f"1. the local folder {tmp_path / 'none'}: expected a folder, found nothing" in text
    assert f"2. http://127.0.0.1:9/{FILE}: <urlopen error" in text
    assert "refused" in text
    assert text.endswith(f"Files wanted: {FILE} (or .gz).\n  Ask a friend.")
    assert names_in(target.parent) == []


# --- Interruptions ---


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interruption_leaves_what_was_there(target, mine, error):
    download_weights([published()], target, lambda weights: [local_folder(mine)], "")
    before = contents_of(target)

    def of(weights):  # the first comes, the second is interrupted
        return [local_folder(mine) if weights.file_name == FILE else scripted(raises(error))]

    with pytest.raises(type(error)):
        download_weights(WANTED, target, of, "")
    assert contents_of(target) == before
    assert names_in(target.parent) == ["weights"]


INTERRUPTED = """
import signal, sys
from pathlib import Path
from dlstudy.download.weight_files import published_url, download_weights
from dlstudy.core.base.published import PublishedWeights

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job would ignore
    weights = PublishedWeights("Tiny_Weights.V1", "tiny", sys.argv[1])
    download_weights([weights], Path(sys.argv[2]), lambda weights: [published_url(weights, 3, 60.0)], "")
"""


def test_ctrl_c_in_the_middle_of_a_download_leaves_nothing(target, server, tmp_path):
    server.answers = ["drip"]
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, script, f"{server.url}{FILE}", target],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert server.asked.wait(120)
        assert [path.name[:17] for path in target.parent.iterdir()] == [".weights.partial-"]
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
        assert process.wait(120) != 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert server.hung_up.wait(120)
    assert names_in(target.parent) == []
