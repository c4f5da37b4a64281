import errno
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlstudy.core.base.artifacts import rounded, write_bytes, write_csv, write_folder, write_json, write_text

NUMBERS = st.floats(-1e300, 1e300)  # rounding the very largest to ten digits may overflow
KEYS = st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(KEYS, children, max_size=3),
    max_leaves=10,
)
NOT_FINITE = [math.nan, math.inf, -math.inf]


def close(found, value) -> bool:
    """Whether two values are equal but for the rounding of numbers to ten digits."""
    if isinstance(value, dict):
        return found.keys() == value.keys() and all(close(found[key], item) for key, item in value.items())
    if isinstance(value, list):
        return len(found) == len(value) and all(map(close, found, value))
    if isinstance(value, float):
        return math.isclose(found, value, rel_tol=0.5e-9, abs_tol=1e-320)  # half a unit of the tenth digit
    return bool(found == value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


# --- Numbers ---


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1 + 0.2, 0.3), (123456789.01234, 123456789.0), (1.23456789012e-300, 1.23456789e-300), (-2.0, -2.0)],
)
def test_numbers_keep_ten_significant_digits(value, expected):
    assert rounded(value) == expected


@given(NUMBERS)
def test_rounding_again_changes_nothing(value):
    assert rounded(rounded(value)) == rounded(value)


# --- JSON ---


@given(content=st.dictionaries(KEYS, VALUES, max_size=4))
def test_json_gives_back_what_was_written(folder, content):
    write_json(folder / "x.json", content)
    assert close(json.loads((folder / "x.json").read_text(encoding="utf-8")), content)


@given(content=st.dictionaries(KEYS, VALUES, max_size=4))
def test_json_of_one_value_has_one_form(folder, content):
    write_json(folder / "x.json", content)
    write_json(folder / "elsewhere" / "y.json", json.loads(json.dumps(content)))
    assert (folder / "x.json").read_bytes() == (folder / "elsewhere" / "y.json").read_bytes()


def test_json_is_readable_in_the_given_order(folder):
    write_json(folder / "x.json", {"b": 0.1 + 0.2, "a": [1, "é"]})
    assert (folder / "x.json").read_bytes() == '{\n  "b": 0.3,\n  "a": [\n    1,\n    "é"\n  ]\n}\n'.encode()


def test_json_takes_the_means_that_pandas_gives(folder):
    write_json(folder / "x.json", {"mean": pd.Series([1.0, 2.0]).mean()})
    assert json.loads((folder / "x.json").read_text()) == {"mean": 1.5}


@pytest.mark.parametrize("number", NOT_FINITE)
def test_json_names_the_key_of_a_number_that_is_not_finite(folder, number):
    with pytest.raises(ValueError, match=rf"^bad\.json\.scores\[1\]\.loss: expected a finite number, found {number}$"):
        write_json(folder / "bad.json", {"scores": [{"loss": 1.0}, {"loss": np.float64(number)}]})
    assert not (folder / "bad.json").exists()


# --- CSV ---


def test_csv_has_a_header_no_index_and_ten_digits(folder):
    table = pd.DataFrame({"seed": [0, 1], "loss": [0.1 + 0.2, 1e-20], "name": ["a", "b, c"]}, index=[5, 6])
    write_csv(folder / "x.csv", table)
    assert (folder / "x.csv").read_bytes() == b'seed,loss,name\n0,0.3,a\n1,1e-20,"b, c"\n'


@given(rows=st.lists(st.tuples(st.integers(-(2**53), 2**53), NUMBERS), min_size=1, max_size=5))
def test_csv_gives_back_what_was_written(folder, rows):
    table = pd.DataFrame(rows, columns=["count", "loss"])
    write_csv(folder / "x.csv", table)
    found = pd.read_csv(folder / "x.csv")
    assert found["count"].tolist() == table["count"].tolist()
    assert close(found["loss"].astype(float).tolist(), table["loss"].tolist())


@pytest.mark.parametrize("number", NOT_FINITE)
def test_csv_names_the_columns_with_numbers_that_are_not_finite(folder, number):
    table = pd.DataFrame({"seed": [0, 1], "loss": [1.0, number], "f1": [number, 0.5], "name": ["a", "b"]})
    with pytest.raises(ValueError, match=r"^bad\.csv: expected finite numbers, found others in column loss, f1$"):
        write_csv(folder / "bad.csv", table)
    assert not (folder / "bad.csv").exists()


def test_csv_names_the_columns_with_missing_words(folder):
    with pytest.raises(ValueError, match=r"^bad\.csv: expected a value in every row, found none in column name$"):
        write_csv(folder / "bad.csv", pd.DataFrame({"seed": [0, 1], "name": ["a", None]}))
    assert not (folder / "bad.csv").exists()


# --- Files ---


def break_writing(monkeypatch):
    """A disk that is full after half of the content."""
    write = Path.write_bytes

    def write_half(self, content):
        write(self, content[: len(content) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)


def break_renaming(monkeypatch):
    def refuse(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("os.replace", refuse)


@pytest.mark.parametrize("fault", [break_writing, break_renaming])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fault):
    write_bytes(tmp_path / "x.json", b"old")
    fault(monkeypatch)
    with pytest.raises(OSError, match=r"No space|not permitted"):
        write_bytes(tmp_path / "x.json", b"something new")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]
    assert (tmp_path / "x.json").read_bytes() == b"old"


def test_a_refused_value_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "x.json", {"loss": 1.0})
    with pytest.raises(ValueError, match="finite"):
        write_json(tmp_path / "x.json", {"loss": math.nan})
    assert json.loads((tmp_path / "x.json").read_text()) == {"loss": 1.0}


def test_folders_are_made_as_needed(tmp_path):
    write_text(tmp_path / "a" / "b" / "x.txt", "text")
    assert (tmp_path / "a" / "b" / "x.txt").read_text() == "text"


def test_text_is_utf_8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "x.md", "Géron\nline\r\n")
    assert (tmp_path / "x.md").read_bytes() == b"G\xc3\xa9ron\nline\r\n"


def test_a_folder_holds_what_was_written_and_nothing_of_an_earlier_run(tmp_path):
    write_folder(tmp_path / "x", {"old": pd.DataFrame({"a": [1]}), "facts": {"b": 1}})
    write_folder(tmp_path / "x", {"new": pd.DataFrame({"a": [1]}), "facts": {"b": 2}})
    assert {path.name: path.read_text() for path in (tmp_path / "x").iterdir()} == {
        "new.csv": "a\n1\n",
        "facts.json": '{\n  "b": 2\n}\n',
    }


def half_written(path, content):
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def refused(path, *_, **__):
    raise OSError(errno.EACCES, "Permission denied", str(path))


@pytest.mark.parametrize(
    ("operation", "fault"),
    [("mkdir", refused), ("write_bytes", refused), ("write_bytes", half_written), ("replace", refused)],
)
def test_an_error_at_any_file_operation_leaves_the_old_file_and_nothing_else(operation, fault, tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("old")
    monkeypatch.setattr(Path, operation, fault)
    with pytest.raises(OSError, match=r"No space|denied"):
        write_bytes(path, b"new content")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("x.csv", "old")]
