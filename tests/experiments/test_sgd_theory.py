import math

import pytest
from pandas.testing import assert_frame_equal

from dlstudy.core.base.errors import StudyError
from dlstudy.core.base.params import ParamsError
from dlstudy.core.execution import VARIABLE
from dlstudy.experiments.sgd_theory import run as sgd_theory
from dlstudy.experiments.sgd_theory.params import SgdTheoryParams

PARAMS = SgdTheoryParams(
    batch_sizes=(1, 64),
    num_epochs=3,
    descent_fractions=(0.5,),
    floor_learning_rates=(0.1, 0.2),
    floor_batch_sizes=(16, 64),
    num_floor_chains=2,
    num_floor_steps=5,
    num_floor_epochs=1,
    num_first_steps=4,
    num_curve_images=50,
    num_curve_steps=4,
)


@pytest.fixture(scope="module")
def found(houses, images):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "1")
        return sgd_theory.run((houses, images), PARAMS, (0, 1))


@pytest.fixture(scope="module")
def tables(found):
    return {name: content for name, content in found.items() if name != "facts"}


def test_every_table_has_its_rows(tables):
    assert {name: len(table) for name, table in tables.items()} == {
        "means": 2 * 2 * 2 * 3,  # seeds, ways to draw, batch sizes, coordinates
        "variances": 2 * 2 * 3,  # and all rows
        "critical": 2 + 1,
        "contractions": 2,
        "floors": 2 * 4,
        "first_steps": 2 * 4,
        "reshuffled": 2 * 4,
        "curves": 2 * 4 * 5,
        "curvature": 5,
        "full_batch": 2,
    }
    assert not any(table.isna().any(axis=None) for table in tables.values())


def test_two_processes_measure_the_same_as_one(tables, houses, images, monkeypatch):
    monkeypatch.setenv(VARIABLE, "2")
    again = sgd_theory.run((houses, images), PARAMS, (0, 1))
    for name, table in tables.items():
        assert_frame_equal(table, again[name], check_exact=True)


def test_facts_are_finite_and_name_the_coordinates(found):
    facts = found["facts"]
    assert facts["coordinates"] == ["area (square feet)", "age (years)", "bias"]
    assert facts["num_curve_images"] == 50
    assert all(math.isfinite(value) for value in facts.values() if isinstance(value, float))


def test_a_rate_that_does_not_settle_is_told_before_anything_is_run(houses, images, monkeypatch):
    monkeypatch.setattr(sgd_theory, "map_runs", lambda *_, **__: pytest.fail("the descents were run"))
    params = PARAMS.model_copy(update={"floor_learning_rates": (1.6, 1.9)})
    with pytest.raises(StudyError, match=r"sgd_theory\.floor_learning_rates: expected rates .* found 1\.6"):
        sgd_theory.run((houses, images), params, (0,))


@pytest.mark.parametrize("key", ["batch_sizes", "floor_batch_sizes"])
def test_a_minibatch_that_the_split_cannot_fill_is_refused(houses, images, key):
    params = PARAMS.model_copy(update={key: (8, 1758)})
    with pytest.raises(ParamsError, match=rf"sgd_theory\.{key}: expected less than 1758.*found 1758"):
        sgd_theory.run((houses, images), params, (0,))
