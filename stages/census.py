"""Count the activations of torchvision's image classifiers: `python -m stages.census`."""

from pathlib import Path

from dlstudy.artifacts import write_csv, write_json
from dlstudy.experiments.census import builders, census, facts
from dlstudy.families import chosen, family_of, load_families
from dlstudy.params.base import load_section
from dlstudy.params.census import CensusParams

OUTPUT = Path("results/experiments/census")

if __name__ == "__main__":
    wanted = load_section("experiments.census", CensusParams).families
    families = chosen(load_families(), wanted)
    tables = census(sorted(family_of(families)) if wanted else builders(), families)
    for name, table in tables.items():
        write_csv(OUTPUT / f"{name}.csv", table)
    write_json(OUTPUT / "facts.json", facts(tables))
