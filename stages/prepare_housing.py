"""Divide the Ames sales into training, validation and test rows; say what is in the table."""

from pathlib import Path

from dlstudy.core.base.artifacts import write_csv, write_json
from dlstudy.core.base.dataset import save_dataset
from dlstudy.core.base.params import load_section
from dlstudy.data.housing import facts, prepare, read_table, sales_of
from dlstudy.data.params import HousingParams

if __name__ == "__main__":
    params = load_section("prepare.housing", HousingParams)
    table = read_table(Path("data/raw/housing/ames_housing.csv"))
    dataset = prepare(sales_of(table), params)
    save_dataset(Path("data/prepared/housing.pt"), dataset)
    write_csv(Path("results/data/housing/sales.csv"), sales_of(table))
    write_json(Path("results/data/housing/facts.json"), facts(table, dataset))
