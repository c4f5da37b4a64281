import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlstudy.core.base.errors import DataError
from dlstudy.data.housing import COLUMNS, facts, prepare, read_table, sales_of
from dlstudy.data.params import HousingParams

PARAMS = HousingParams(validation_fraction=0.2, test_fraction=0.3, seed=11)
ROWS = ["price,area,Year.Built,Yr.Sold,Masonry", "215000,1656,1960,2010,Stone", "105000,896,2011,2010,None"]


def file_of(folder, lines):
    path = folder / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_of(split) -> list[tuple[float, ...]]:
    return [
        (*features, target) for features, target in zip(split.features.tolist(), split.targets.tolist(), strict=True)
    ]


@pytest.fixture
def numbered() -> pd.DataFrame:
    """As many sales as there are, each told from every other by its price."""
    prices = pd.Series(range(1, 2931), dtype="float64")
    return pd.DataFrame({"price": prices, "area": prices % 97 + 500, "age": prices % 53 - 1})


# --- The table ---


def test_the_shipped_table_has_every_sale(sales):
    assert len(sales) == 2930
    assert sales["price"].between(12_000, 800_000).all()  # dollars
    assert sales["area"].between(300, 6_000).all()  # square feet
    assert sales["age"].between(-1, 140).all()  # years


def test_age_is_the_year_of_sale_less_that_of_building_and_may_be_negative(tmp_path):
    sales = sales_of(read_table(file_of(tmp_path, ROWS)))
    assert sales.to_dict("list") == {"price": [215000.0, 105000.0], "area": [1656.0, 896.0], "age": [50.0, -1.0]}
    assert {str(dtype) for dtype in sales.dtypes} == {"float64"}


def test_only_an_empty_cell_is_missing(tmp_path):
    table = read_table(file_of(tmp_path, [*ROWS, "1,1,1,1,NA", "1,1,1,1,", "1,1,1,1,nan"]))
    assert table["Masonry"].isna().tolist() == [False, False, False, True, False]
    assert table["Masonry"][1] == "None"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(tmp_path, column):
    with pytest.raises(DataError, match=rf"houses\.csv: expected columns price, .*, found no {column}$"):
        read_table(file_of(tmp_path, [ROWS[0].replace(column, "other"), *ROWS[1:]]))


@pytest.mark.parametrize("cell", ["", "NA", "many"])
@pytest.mark.parametrize("place", range(4))
def test_a_cell_that_is_no_number_is_refused_and_its_column_named(tmp_path, cell, place):
    cells = ["1", "1", "1", "1", "Stone"]
    cells[place] = cell
    with pytest.raises(DataError, match=rf"houses\.csv: expected a number in every row of column {COLUMNS[place]}, "):
        read_table(file_of(tmp_path, [*ROWS, ",".join(cells)]))


@pytest.mark.parametrize("row", ["0,1,1,1,x", "-5,1,1,1,x", "1,0,1,1,x"])
def test_prices_and_areas_are_positive(tmp_path, row):
    with pytest.raises(DataError, match=r"houses\.csv: expected (price|area) above 0, found (0|-5)$"):
        read_table(file_of(tmp_path, [*ROWS, row]))


# --- The splits ---


@given(seed=st.integers(0, 2**64), validation=st.floats(0.01, 0.4), test=st.floats(0.01, 0.4))
def test_every_sale_is_in_one_split(sales, seed, validation, test):
    params = HousingParams(validation_fraction=validation, test_fraction=test, seed=seed)
    dataset = prepare(sales, params)
    found = [row for split in dataset.splits.values() for row in rows_of(split)]
    assert sorted(found) == sorted(sales[["area", "age", "price"]].itertuples(index=False, name=None))
    sizes = params.train_size, params.validation_size, params.test_size
    assert tuple(dataset.num_examples.values()) == sizes


def test_splits_share_no_sale(numbered):
    prices = [set(split.targets.tolist()) for split in prepare(numbered, PARAMS).splits.values()]
    assert [len(split) for split in prices] == [1465, 586, 879]
    assert len(set.union(*prices)) == 2930


def test_a_seed_repeats_and_another_differs(numbered):
    first, again, other = (prepare(numbered, PARAMS.model_copy(update={"seed": seed})) for seed in (1, 1, 2))
    for name, split in first.splits.items():
        assert torch.equal(split.targets, again.splits[name].targets)
        assert not torch.equal(split.targets, other.splits[name].targets)


def test_the_sales_are_shuffled_before_they_are_divided(numbered):
    train = prepare(numbered, PARAMS).train.targets
    assert abs(train.mean() - 2931 / 2) < 4 * 846 / 1465**0.5  # four standard errors; 846 = 2930 / sqrt(12)


def test_statistics_come_from_the_training_rows_alone(numbered):
    dataset = prepare(numbered, PARAMS)
    changed = numbered.copy()
    elsewhere = ~changed["price"].isin(dataset.train.targets.tolist())
    changed.loc[elsewhere, ["area", "age", "price"]] = 1e6
    found = prepare(changed, PARAMS)
    assert elsewhere.sum() == 586 + 879
    assert found.test.targets.unique().tolist() == [1e6]
    for name in ("mean", "std"):
        assert torch.equal(getattr(found.feature_scale, name), getattr(dataset.feature_scale, name))
        assert torch.equal(getattr(found.target_scale, name), getattr(dataset.target_scale, name))
    assert found.feature_scale.mean[0].item() == pytest.approx(dataset.train.features[:, 0].numpy().mean())


# --- The data sheet ---


def test_facts_count_what_is_unusual(tmp_path, numbered):
    lines = [*ROWS, "300000,2000,2000,2010,", "100000,1000,1900,2000,"]
    sheet = facts(read_table(file_of(tmp_path, lines)), prepare(numbered, PARAMS))
    assert sheet["num_sales"] == 4
    assert sheet["num_columns"] == 5
    assert sheet["num_negative_ages"] == 1
    assert sheet["num_columns_with_missing_values"] == 1
    assert sheet["num_missing_values_in_used_columns"] == 0
    assert sheet["most_missing"]["Masonry"] == 2
    assert sheet["summary"]["price"] == {"min": 105000 - 5000, "median": 160000, "mean": 180000, "max": 300000}
    assert sheet["num_examples"] == {"train": 1465, "validation": 586, "test": 879}
    assert set(sheet["train_scale"]) == {"area (square feet)", "age (years)"}
