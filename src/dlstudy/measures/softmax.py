"""Measures of what softmax is, and of whether its probabilities may be trusted: SOFT-1, 2, 4 and 5."""

from typing import Any, Final

import pandas as pd

from dlstudy.core.params import SgdParams
from dlstudy.judging.evidence import Evidence, Exact, Sample, exact, per_seed
from dlstudy.measures.samples import records
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "softmax_identities"


def example(results: Results) -> Evidence:
    """SOFT-1, an output 100 times the others: its probability in the note's example."""
    facts = results.experiment_facts(EXPERIMENT)
    return Evidence({"0.1, 10, 0.1": Exact(facts["example_probability"])}, facts=facts)


def ratio(results: Results) -> Evidence:
    table, facts = results.experiment(EXPERIMENT, "scales"), results.experiment_facts(EXPERIMENT)
    num_unsure = int((table["probability"] <= facts["confidence"]).sum())
    linear = next(iter(_models(results, hidden=False)))  # the first classifier without hidden layers, over its seeds
    trained = results.table(linear, "calibration")
    shown = {
        **facts,
        "num_scales": len(table),
        "num_unsure": num_unsure,
        "smallest": table["largest"].min(),
        "largest": table["largest"].max(),
        "least_probability": table["probability"].min(),
        "trained": {
            "model": linear,
            "num_seeds": len(trained),
            "smallest": trained["logit_smallest"].min(),
            "largest": trained["logit_largest"].max(),
            "top_low": trained["logit_top"].min(),
            "gap_low": trained["gap"].min(),
            "top_high": trained["logit_top"].max(),
            "gap_high": trained["gap"].max(),
        },
    }
    return Evidence({"": Exact(num_unsure)}, facts=shown)


def _models(results: Results, *, hidden: bool | None = None) -> dict[str, SgdParams]:
    """The classifiers that a claim speaks of; MissingResultError if params.yaml names none."""
    if found := results.classifiers(hidden=hidden):
        return found
    kind = {True: "a classifier with hidden layers", False: "a classifier without hidden layers", None: "a classifier"}
    raise MissingResultError(f"params.yaml, train: expected {kind[hidden]} of images, found none")


def shifts(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "shifts")
    seeds = table[table["outputs"].str.startswith("seed ")]
    example = table.drop(seeds.index)
    samples = exact({"the note's example": example["change"].max(), "trained logits": seeds["change"].max()})
    facts = {
        "num_shifts": table["shift"].nunique(),
        "largest_shift": table["shift"].abs().max(),
        "example_change": example["change"].max(),
        "trained_change": seeds["change"].max(),
    }
    return Evidence(samples, num_seeds=seeds["outputs"].nunique(), facts=facts)


def _limits(results: Results) -> dict[str, Any]:
    """For each limit and format its number by theory and by bisection."""
    table = results.experiment(EXPERIMENT, "limits").set_index("format")[["limit", "predicted", "measured"]]
    return {str(name): rows.drop(columns="limit").to_dict("index") for name, rows in table.groupby("limit", sort=False)}


def _by_format(table: pd.DataFrame, column: str) -> dict[str, Sample]:
    """The sum of a column under each floating-point format: of counts, or of a single value."""
    return exact({str(name): rows[column].sum() for name, rows in table.groupby("format")})


def confidence(results: Results) -> Evidence:
    """SOFT-2, 10 beside 1000 and 1000: its probability in each floating-point format."""
    table = results.experiment(EXPERIMENT, "huge")
    middle = table[table["position"] == 2]
    facts = {**results.experiment_facts(EXPERIMENT), "limits": _limits(results)["vanishing"]}
    return Evidence(_by_format(middle, "probability"), facts=facts)


def naive(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "huge")
    undefined = table.assign(undefined=1 - table["defined_as_written"])
    facts = {"rows": records(table), "limits": _limits(results)["overflow"], "num_outputs": table["position"].nunique()}
    return Evidence(_by_format(undefined, "undefined"), facts=facts)


def stable(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "log_probabilities")
    trained = results.experiment(EXPERIMENT, "trained")
    samples = {f"{size:g}, 10, {size:g}": rows["error"].max() for size, rows in table.groupby("largest")}
    facts = {
        "rows": records(table[table["position"] < 3]),
        "worst": table["error"].max(),
        "near_certain": trained["log_error"].max(),
        "num_seeds": len(trained),
    }
    return Evidence(exact(samples), facts=facts)


def sums(results: Results) -> Evidence:
    """SOFT-4, positive, with sum 1: how far sums of probabilities are from 1."""
    table = results.experiment(EXPERIMENT, "sums")
    trained = table["outputs"].str.startswith("seed ")
    samples = {
        f"{kind}, {name}": rows["error"].max()
        for kind, part in (("trained logits", table[trained]), ("extreme outputs", table[~trained]))
        for name, rows in part.groupby("format")
    }
    facts = {"rows": [{"outputs": name, "error": error} for name, error in samples.items()]}
    return Evidence(exact(samples), num_seeds=table.loc[trained, "outputs"].nunique(), facts=facts)


def positive_in_use(results: Results) -> Evidence:
    """SOFT-4: the probabilities of 0 among all that the trained networks compute."""
    trained = results.experiment(EXPERIMENT, "trained")
    samples = exact({"trained logits, float32": trained["num_zero"].sum()})
    return Evidence(samples, num_seeds=len(trained), facts={"smallest_trained": trained["smallest"].min()})


def positive(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "gaps")
    trained = results.experiment(EXPERIMENT, "trained")
    samples = _by_format(table.assign(zero=table["probability"] == 0), "zero")
    samples["trained logits, float32"] = Exact(int(trained["num_zero"].sum()))
    facts = {
        "gaps": [
            {"gap": float(str(gap)), **dict(zip(rows["format"], rows["probability"], strict=True))}
            for gap, rows in table.groupby("gap")
        ],
        "limits": _limits(results)["vanishing"],
        "num_zero_trained": int(trained["num_zero"].sum()),
        "smallest_trained": trained["smallest"].min(),
    }
    return Evidence(samples, num_seeds=len(trained), facts=facts)


def order(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "trained")
    facts = {"num_images": int(table["num_images"].sum()), "num_moved": int(table["num_moved"].sum())}
    samples = exact({"trained logits, float32": facts["num_moved"]})
    return Evidence(samples, num_seeds=len(table), facts=facts)


def two_class(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "trained")
    worst = table["two_class"].max()
    return Evidence(exact({"pairs of trained logits": worst}), num_seeds=len(table), facts={"worst": worst})


def calibration(results: Results, models: str, column: str = "ece") -> Evidence:
    """SOFT-5: a calibration error of each model, by seed, and what the page says of the models' calibration.

    models: those "linear" or with "hidden" layers, or "all" classifiers, torchvision's networks included.
    """
    names = list(_models(results, hidden=None if models == "all" else models == "hidden"))
    names += list(results.study.vision) if models == "all" else []
    tables = {name: results.table(name, "calibration") for name in names}
    bins = {name: results.table(name, "reliability") for name in names}
    complete = {name: table for name, table in tables.items() if len(table) == max(map(len, tables.values()))}
    return Evidence(
        per_seed({name: table[column].tolist() for name, table in complete.items()}),
        num_seeds=len(next(iter(complete.values()))),
        facts={
            "models": [_of_model(name, tables[name], bins[name]) for name in names],
            "shown_only": [name for name in names if name not in complete],  # trained with fewer seeds
            # bins of equal width, the empty ones that a table leaves out included
            "num_bins": min(round(1 / (each["high"] - each["low"]).mean()) for each in bins.values()),
        },
    )


def _of_model(name: str, table: pd.DataFrame, bins: pd.DataFrame) -> dict[str, Any]:
    averaged = ("temperature", "nll", "ece", "nll_scaled", "ece_scaled", "chance_ece_scaled")
    return {
        "model": name,
        **{column: table[column].mean() for column in averaged},
        "ece_low": table["ece"].min(),
        "ece_high": table["ece"].max(),
        "excess": _excess(bins[bins["logits"] == "trained"]),
        "excess_scaled": _excess(bins[bins["logits"] == "scaled"]),
    }


def _excess(bins: pd.DataFrame) -> float:
    """Mean confidence minus accuracy: above 0 where a classifier is surer than it is right."""
    return float((bins["num"] * (bins["confidence"] - bins["accuracy"])).sum() / bins["num"].sum())
