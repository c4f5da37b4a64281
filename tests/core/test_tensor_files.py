from pathlib import Path

import pytest
import torch

from dlstudy.core.base.dataset import load_tensors, save_tensors
from dlstudy.core.base.errors import DataError


def content() -> dict[str, object]:
    return {
        "task": "regression",
        "names": ["area", "age"],
        "count": 3,
        "scale": {"mean": torch.tensor(1.5, dtype=torch.float64), "std": None},
        "pixels": torch.arange(6, dtype=torch.uint8).reshape(2, 3),
        "classes": torch.tensor([1, 2]),
    }


def test_gives_back_what_was_written(tmp_path):
    save_tensors(tmp_path / "x.pt", content())
    found = load_tensors(tmp_path / "x.pt")
    torch.testing.assert_close(found["pixels"], content()["pixels"], rtol=0, atol=0)
    torch.testing.assert_close(found["classes"], content()["classes"], rtol=0, atol=0)
    assert found["scale"]["mean"].item() == 1.5
    assert found["scale"]["std"] is None
    assert (found["task"], found["names"], found["count"]) == ("regression", ["area", "age"], 3)


def test_bytes_depend_on_the_values_and_not_on_the_name_of_the_file(tmp_path):
    save_tensors(tmp_path / "x.pt", content())
    save_tensors(tmp_path / "elsewhere" / "another_name.pt", content())
    assert (tmp_path / "x.pt").read_bytes() == (tmp_path / "elsewhere" / "another_name.pt").read_bytes()


def test_another_value_gives_other_bytes(tmp_path):
    save_tensors(tmp_path / "x.pt", content())
    save_tensors(tmp_path / "y.pt", content() | {"classes": torch.tensor([1, 3])})
    assert (tmp_path / "x.pt").read_bytes() != (tmp_path / "y.pt").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    save_tensors(tmp_path / "x.pt", content())
    before = (tmp_path / "x.pt").read_bytes()

    def refuse(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        save_tensors(tmp_path / "x.pt", {"classes": torch.tensor([9])})
    assert (tmp_path / "x.pt").read_bytes() == before


class Code:
    """Would call print on loading."""

    def __reduce__(self):
        return print, ("run on loading",)


def test_code_in_a_file_is_refused_and_not_run(tmp_path, capsys):
    torch.save({"weights": Code()}, tmp_path / "x.pt")
    with pytest.raises(DataError, match=r"x\.pt: expected a file of tensors"):
        load_tensors(tmp_path / "x.pt")
    assert capsys.readouterr().out == ""


def test_a_file_that_is_cut_short_is_named_with_the_remedy_wherever_it_ends(tmp_path):
    path = tmp_path / "x.pt"
    save_tensors(path, content())
    whole = path.read_bytes()
    for length in (*range(0, len(whole), 7), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"x\.pt: expected a file of tensors, found it damaged .*dvc checkout"):
            load_tensors(path)


def test_a_large_file_that_lacks_its_second_half_is_named_too(tmp_path):
    """Its end is looked for before its beginning, which the operating system refuses: another kind of error."""
    path = tmp_path / "x.pt"
    save_tensors(path, {str(seed): {"weights": torch.zeros(70, 10)} for seed in range(10)})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"x\.pt: expected a file of tensors, found it damaged"):
        load_tensors(path)
