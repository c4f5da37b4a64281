"""Results for and against the claims of the census."""

import pandas as pd

from tests.measures.support import Case, Tables

FACTS = {"num_builders": 40, "num_families": 40, "num_with_weights": 40, "num_equal_parameters": 40}


def census(num_relu: int, num: int, *, year: int = 2020, published: int = 1000) -> Tables:
    """Families of one network each, of which the first few use ReLU; one older family has it besides."""
    activations = ["relu"] * (num_relu + 1) + ["gelu"] * (num - num_relu)
    names = [f"net{index}" for index in range(num + 1)]
    years = [2012] + [year] * num
    builders = pd.DataFrame({"builder": names, "family": names, "year": years, "activation": activations})
    builders = builders.assign(num_parameters=1000, published_num_parameters=published)
    families = builders[["family", "year", "activation"]].assign(source="Somebody", num_builders=1, num_with_it=1)
    calls = builders[["builder", "activation"]].assign(kind="hidden", num_calls=7, num_values=700)
    gates = pd.DataFrame([("net0", "sigmoid", "gate", 9, 90)], columns=list(calls))
    tables = {"builders": builders, "families": families, "calls": pd.concat([calls, gates])}
    return Tables(experiments={("census", name): table for name, table in tables.items()}, facts_of={"census": FACTS})


# 30 of 40 have Wilson's interval wholly above one half, 10 of 40 below, 20 of 40 across it.
CASES = {
    "ACT-1/stock": Case(census(30, 40), census(10, 40)),
    "ACT-1/families": Case(census(30, 40), census(20, 40), "inconclusive"),
    "ACT-1/recent": Case(census(30, 40), census(10, 40)),
}
