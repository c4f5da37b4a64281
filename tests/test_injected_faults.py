"""Faults on purpose: kills, full disks, damaged inputs, other surroundings, impossible parameters (`make faults`).

Whatever happens, a stage leaves files that are whole, and a run that is taken up again ends with the bytes of one that
was never disturbed.
"""

import copy
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlstudy.core.base.params import ParamsError, validated
from dlstudy.judging.statements import Chinese, English, load_statements, split
from dlstudy.study.params import StudyParams
from tests.pipeline import Checkout, copied
from tools.checkout import ROOT, read_params

pytestmark = pytest.mark.slow

TARGETS = (
    "evaluate@linear_closed_form",
    "evaluate@linear_sgd",
    "evaluate@softmax_regression",
    "ladder@tanh",
    "linearity",
)
KILLS = 20


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A checkout in which these targets have run once."""
    checkout = Checkout(tmp_path_factory.mktemp("undisturbed"))
    checkout.dvc("repro", *TARGETS)
    return checkout


@pytest.fixture
def checkout(undisturbed, tmp_path):
    """A copy of it, to be damaged."""
    return copied(undisturbed, tmp_path)


KEPT = ("data/ladder/", "data/experiments/")  # trainings that are finished, for whoever takes up the work


def files(checkout):
    """Every file that stages write, with its content; those that are being written too, finished trainings aside."""
    folders = ("data", "models", "results", "metrics", "reports")
    paths = [path for folder in folders for path in (checkout.root / folder).rglob("*") if path.is_file()]
    found = {path.relative_to(checkout.root).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in found.items() if not name.startswith(KEPT) or name.endswith(".tmp")}


def stage(checkout, *arguments, **options):
    """Run a stage without DVC."""
    command = [sys.executable, "-m", *arguments]
    environment = options.pop("env", None) or checkout.environment()
    return subprocess.run(
        command, cwd=checkout.root, env=environment, capture_output=True, text=True, check=False, **options
    )


STAGES = {  # one of each kind, with an input of it
    "prepare": (("stages.prepare_housing",), "data/raw/housing/ames_housing.csv"),
    "train": (("stages.train_sgd", "softmax_regression"), "data/prepared/images.pt"),
    "evaluate": (("stages.evaluate", "softmax_regression"), "models/softmax_regression.pt"),
    "ladder": (("stages.ladder", "activation", "tanh"), "data/prepared/images.pt"),
    "experiment": (("stages.experiment", "linearity"), "data/raw/housing/ames_housing.csv"),
}


# --- Killed ---


def test_killed_at_random_moments_it_ends_with_the_same_bytes(undisturbed, tmp_path):
    checkout, moments = Checkout(tmp_path), random.Random(15)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro", *TARGETS],
            cwd=checkout.root,
            env=checkout.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(timeout=moments.uniform(0.5, 12))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    checkout.dvc("repro", *TARGETS)
    assert checkout.results == undisturbed.results


# --- No room, damaged inputs ---


def no_room():
    """Every write beyond 100 bytes fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_without_room_leaves_all_as_it_was(kind, checkout):
    before = files(checkout)
    done = stage(checkout, *STAGES[kind][0], preexec_fn=no_room)
    assert done.returncode != 0
    assert files(checkout) == before


def truncate(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("kind", STAGES)
def test_a_truncated_input_is_named_and_the_outputs_stay(kind, checkout):
    arguments, name = STAGES[kind]
    path = checkout.root / name
    path.write_bytes(truncate(path.read_bytes()))
    before = files(checkout)
    done = stage(checkout, *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert path.name in done.stderr
    assert files(checkout) == before


@pytest.mark.parametrize("kind", STAGES)
def test_a_flipped_byte_of_an_input_leaves_no_half_written_file(kind, checkout):
    """A table with one wrong number cannot be told from a right one; `make check` finds it by its checksum."""
    arguments, name = STAGES[kind]
    path = checkout.root / name
    path.write_bytes(flip(path.read_bytes()))
    before = files(checkout)
    done = stage(checkout, *arguments)
    assert not [file for file in files(checkout) if file.endswith(".tmp")]
    if done.returncode != 0:
        assert files(checkout) == before


# --- Other surroundings ---


@pytest.mark.parametrize("kind", STAGES)
@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "C", "LANG": "C"},
        {"HOME": None},
        {"umask": 0o077},
        {"place": "一个 目录"},
        {"TZ": "Pacific/Kiritimati"},
    ],
    ids=["locale C", "no HOME", "umask 077", "Chinese path", "time zone"],
)
def test_surroundings_change_no_byte(kind, surroundings, checkout):
    before = files(checkout)
    variables = dict(surroundings)
    umask = variables.pop("umask", -1)
    if place := variables.pop("place", None):
        checkout.root = checkout.root.rename(checkout.root.with_name(place))
    environment = {name: value for name, value in (checkout.environment() | variables).items() if value is not None}
    done = stage(checkout, *STAGES[kind][0], env=environment, umask=umask)
    assert done.returncode == 0, done.stderr
    assert files(checkout) == before


@pytest.mark.parametrize("years", [-100, 10], ids=["before 1980", "in ten years"])
def test_files_that_an_unset_or_a_set_back_clock_has_dated_change_no_byte(years, checkout):
    """To a clock that was set back, all files are of the future; of one that was never set, from before any archive."""
    moment = max(0, time.time() + years * 365 * 86_400)
    for path in checkout.root.rglob("*"):
        os.utime(path, (moment, moment))
    before = files(checkout)
    assert checkout.dvc("repro", *TARGETS) == set()
    for arguments, _ in STAGES.values():
        done = stage(checkout, *arguments)
        assert done.returncode == 0, done.stderr
    assert files(checkout) == before
    assert checkout.dvc("repro", *TARGETS) == set()


# --- Parameters and statements ---

PARAMS = read_params(ROOT)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([]) | st.just({})


def leaves(content, prefix=()):
    """The keys that lead to every value and every section."""
    if prefix:
        yield prefix
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in entries:
        yield from leaves(value, (*prefix, key))


def changed(content, keys, value, rename):
    """The content with another value under these keys, or, where they name an entry, another name."""
    content = copy.deepcopy(content)
    *above, last = keys
    section = content
    for key in above:
        section = section[key]
    if rename and isinstance(section, dict):
        section[f"{last}_"] = section.pop(last)
    else:
        section[last] = value
    return content


def refusal(load, *arguments):
    """What is said against a document; None if nothing. Any other error than a refusal fails the test."""
    try:
        load(*arguments)
    except ParamsError as error:
        return str(error)
    return None


@settings(max_examples=300)
@given(keys=st.sampled_from(sorted(leaves(PARAMS), key=str)), value=VALUES, rename=st.booleans())
def test_any_parameters_are_accepted_or_refused_with_their_key(keys, value, rename):
    said = refusal(validated, changed(PARAMS, keys, value, rename), StudyParams)
    assert said is None or ("expected" in said and str(keys[0]) in said)


FRONTS = {path: split(path)[0] for path in sorted((ROOT / "statements").rglob("*.md"))}
PLACES = [(path, keys) for path, front in FRONTS.items() for keys in sorted(leaves(front), key=str)]


@settings(max_examples=300)
@given(place=st.sampled_from(PLACES), value=VALUES, rename=st.booleans())
def test_any_statement_is_accepted_or_refused_with_its_file_and_key(place, value, rename):
    path, keys = place
    kind = Chinese if path.name.endswith(".zh.md") else English
    said = refusal(lambda: validated(changed(FRONTS[path], keys, value, rename), kind, path=path))
    assert said is None or ("expected" in said and path.name in said and str(keys[0]) in said)


@settings(max_examples=200)
@given(path=st.sampled_from(list(FRONTS)), data=st.data())
def test_any_text_in_place_of_a_part_of_a_statement_is_accepted_or_refused_with_its_name(path, data):
    """Whatever a hand or an editor leaves behind: text in the middle of YAML, a line lost, bytes that are no UTF-8."""
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for each in path.parent.glob(f"{path.name.split('.')[0]}.*"):  # in both languages
            copied_to = folder / each.relative_to(ROOT / "statements")
            copied_to.parent.mkdir(exist_ok=True)
            copied_to.write_bytes(each.read_bytes())
        changed_file = folder / path.relative_to(ROOT / "statements")
        changed_file.write_bytes(content[:start] + data.draw(st.binary(max_size=12)) + content[end:])
        said = refusal(load_statements, folder)
    assert said is None or ("expected" in said and path.name.split(".")[0] in said)


# --- Two at once ---


def test_a_second_run_says_that_another_is_at_work_and_the_first_keeps_its_work(tmp_path):
    checkout = Checkout(tmp_path)
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *TARGETS]
    options = {"cwd": checkout.root, "env": checkout.environment(), "text": True}
    first, second = (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) for _ in range(2)
    )
    said = {process: process.communicate()[0] for process in (first, second)}
    ended = sorted((first, second), key=lambda process: process.returncode)
    assert ended[0].returncode == 0, said
    if ended[1].returncode:
        assert "expected no other run here, found `dvc" in said[ended[1]] or "is busy" in said[ended[1]]
    assert checkout.dvc("repro", *TARGETS) == set()
