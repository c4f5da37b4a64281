from pathlib import Path
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError, model_validator

from dlstudy.core.base.params import ParamsError, Section, load_section, read_yaml, validated
from dlstudy.core.networks import INITIALISERS
from dlstudy.core.params import SEEDS, ClosedFormParams, DataName, InitName, SgdParams
from dlstudy.data.params import HOUSING_ROWS, HousingParams, ImagesParams, PrepareParams
from dlstudy.evaluation.params import MODEL
from dlstudy.study.params import StudyParams, load_study
from dlstudy.vision.params import VisionParams

ROOT = Path(__file__).resolve().parents[2]
PARAMS = ROOT / "params.yaml"


@pytest.fixture(scope="module")
def study() -> StudyParams:
    return load_study(PARAMS)


def stages_beginning_with(prefix: str) -> set[str]:
    return {path.stem.removeprefix(prefix) for path in (ROOT / "stages").glob(f"{prefix}*.py")}


# --- What is committed ---


def test_the_committed_parameters_are_valid_as_a_whole_and_section_by_section(study):
    assert load_section("seeds", SEEDS, PARAMS) == study.seeds
    assert load_section("prepare", PrepareParams, PARAMS) == study.prepare
    assert {name: load_section(f"train.{name}", MODEL, PARAMS) for name in study.train} == study.train
    assert {name: load_section(f"vision.{name}", VisionParams, PARAMS) for name in study.vision} == study.vision


def test_the_kind_of_a_model_follows_its_method(study):
    kinds = {"closed_form": ClosedFormParams, "sgd": SgdParams}
    assert all(type(model) is kinds[model.method] for model in study.train.values())


def test_the_number_of_sales_is_that_of_the_table(sales):
    assert len(sales) == HOUSING_ROWS


# --- Names stand for something ---


@pytest.mark.parametrize(
    ("names", "things"),
    [
        (InitName, set(INITIALISERS)),
        (DataName, stages_beginning_with("prepare_")),
        (DataName, set(PrepareParams.model_fields)),
        (ClosedFormParams.model_fields["data"].annotation, stages_beginning_with("prepare_") - {"images"}),
    ],
)
def test_names_in_the_parameters_are_those_of_what_they_stand_for(names, things):
    assert set(get_args(names)) == things


def test_every_method_is_a_train_stage():
    methods = {get_args(kind.model_fields["method"].annotation)[0] for kind in (ClosedFormParams, SgdParams)}
    assert methods == stages_beginning_with("train_")


# --- YAML, as DVC writes it ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 1e-5),  # as `dvc exp run -S lr=1e-5` writes it; YAML 1.1 reads a string
        ("no", "no"),  # YAML 1.1 reads False
        ("off", "off"),
        ("12:30:45", "12:30:45"),  # YAML 1.1 reads 45045
        ("0o10", 8),
        ("010", 10),  # YAML 1.1 reads 8
        ("null", None),
    ],
)
def test_yaml_is_read_as_version_1_2(tmp_path, text, value):
    (tmp_path / "x.yaml").write_text(f"key: {text}\n")
    found = read_yaml(tmp_path / "x.yaml")["key"]
    assert (found, type(found)) == (value, type(value))


def test_a_learning_rate_in_scientific_notation_is_a_number(tmp_path, study):
    name = next(name for name, model in study.train.items() if isinstance(model, SgdParams))
    lr = f"lr: {read_yaml(PARAMS)['train'][name]['lr']}"
    (tmp_path / "params.yaml").write_text(PARAMS.read_text().replace(lr, "lr: 1e-05"))
    assert load_study(tmp_path / "params.yaml").train[name].lr == 1e-5


def test_a_whole_number_will_do_where_a_fraction_may_stand():
    section = {"method": "sgd", "data": "housing", "hidden": [], "init": "zeros", "lr": 1}
    assert MODEL.validate_python(section | {"batch_size": 1, "num_epochs": 1}).lr == 1.0


# --- Sections ---


def test_sections_cannot_be_changed(study):
    for section in (study, study.prepare, study.prepare.housing, *study.train.values()):
        name = next(iter(type(section).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, name, getattr(section, name))


def test_lists_are_tuples_in_sections(study):
    assert type(study.seeds) is tuple
    assert type(study.prepare.synthetic.weights) is tuple
    assert {type(model.hidden) for model in study.train.values() if isinstance(model, SgdParams)} == {tuple}


def test_rows_of_the_committed_kind_of_division():
    housing = HousingParams(validation_fraction=0.2, test_fraction=0.2, seed=0)
    assert (housing.train_size, housing.validation_size, housing.test_size) == (1758, 586, 586)
    images = ImagesParams(dataset="MNIST", train_size=50_000, validation_size=10_000, seed=0)
    assert images.train_size == 50_000


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_every_sale_is_in_one_split_whatever_the_fractions(validation, test):
    assume(validation + test < 0.99)
    params = HousingParams(validation_fraction=validation, test_fraction=test, seed=0)
    sizes = params.train_size, params.validation_size, params.test_size
    assert sum(sizes) == HOUSING_ROWS
    assert min(sizes) > 0
    assert abs(params.test_size - test * HOUSING_ROWS) <= 0.5


class Ordered(Section):
    low: int
    high: int

    @model_validator(mode="after")
    def _in_order(self) -> "Ordered":
        if self.low > self.high:
            raise ValueError(f"expected low up to high, found {self.low} and {self.high}")
        return self


@pytest.mark.parametrize(("prefix", "key"), [("judge", "judge"), ("", r"\(the whole file\)")])
def test_a_section_that_is_wrong_as_a_whole_is_named_by_its_own_key(prefix, key):
    with pytest.raises(ParamsError, match=f"{key}: expected low up to high, found 2 and 1"):
        validated({"low": 2, "high": 1}, Ordered, prefix=prefix)
