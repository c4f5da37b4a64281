"""What tests of experiments that tune have in common."""

import dataclasses

import pytest

from dlstudy.core.base.dataset import Split
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Images


@pytest.fixture(scope="module")
def pixels(images):
    return Images.of(images)


@pytest.fixture(scope="module")
def memo(pixels, tmp_path_factory):
    return Memo.of(tmp_path_factory.mktemp("memo"), pixels)


@pytest.fixture
def scores_without_test(images, pixels, tmp_path, monkeypatch):
    """What a trial scores on the images, and on the same with another test split; a function of how it is trained."""
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    spoilt = Images.of(dataclasses.replace(images, test=Split(images.test.features * 0, images.test.targets * 0)))

    def scores(networks_of, trial):
        return [networks_of(each, Memo.of(tmp_path / "none", each)).scored([trial]) for each in (pixels, spoilt)]

    return scores
