"""Measures of what softmax is, and of whether its probabilities may be trusted: SOFT-1, 2, 4 and 5."""

from typing import Any, Final

import pandas as pd

from dlstudy.core.params import SgdParams
from dlstudy.judging.evidence import Evidence, Exact, Sample, exact, per_seed
from dlstudy.measures.samples import records
from dlstudy.study.results import MissingResultError, Results

EXPERIMENT: Final = "softmax_identities"
TRAINED: Final = "trained logits, float32"  # the condition of what trained networks compute


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
    of_seeds = table["outputs"].str.startswith("seed ")
    example, trained = (table.loc[which, "change"].max() for which in (~of_seeds, of_seeds))
    facts = {
        "num_shifts": table["shift"].nunique(),
        "largest_shift": table["shift"].abs().max(),
        "example_change": example,
        "trained_change": trained,
    }
    samples = exact({"the note's example": example, "trained logits": trained})
    return Evidence(samples, num_seeds=table.loc[of_seeds, "outputs"].nunique(), facts=facts)


def _limits(results: Results, name: str) -> dict[Any, Any]:
    """By format, the number of a limit by theory and by bisection."""
    table = results.experiment(EXPERIMENT, "limits").set_index("format")
    return table.loc[table["limit"] == name, ["predicted", "measured"]].to_dict("index")


def _by_format(values: "pd.Series[Any]", table: pd.DataFrame) -> dict[str, Sample]:
    """The sum of the values under each floating-point format: of counts, or of a single value."""
    return exact({str(name): value for name, value in values.groupby(table["format"]).sum().items()})


def confidence(results: Results) -> Evidence:
    """SOFT-2, 10 beside 1000 and 1000: its probability in each floating-point format."""
    table = results.experiment(EXPERIMENT, "huge")
    middle = table[table["position"] == 2]
    facts = {**results.experiment_facts(EXPERIMENT), "limits": _limits(results, "vanishing")}
    return Evidence(_by_format(middle["probability"], middle), facts=facts)


def naive(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "huge")
    facts = {"rows": records(table), "limits": _limits(results, "overflow"), "num_outputs": table["position"].nunique()}
    return Evidence(_by_format(1 - table["defined_as_written"], table), facts=facts)


def stable(results: Results) -> Evidence:
    table, trained = (results.experiment(EXPERIMENT, name) for name in ("log_probabilities", "trained"))
    samples = {f"{size:g}, 10, {size:g}": worst for size, worst in table.groupby("largest")["error"].max().items()}
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
        f"{kind}, {name}": worst
        for kind, part in (("trained logits", table[trained]), ("extreme outputs", table[~trained]))
        for name, worst in part.groupby("format")["error"].max().items()
    }
    facts = {"rows": [{"outputs": name, "error": error} for name, error in samples.items()]}
    return Evidence(exact(samples), num_seeds=table.loc[trained, "outputs"].nunique(), facts=facts)


def positive_in_use(results: Results) -> Evidence:
    """SOFT-4: the probabilities of 0 among all that the trained networks compute."""
    trained = results.experiment(EXPERIMENT, "trained")
    samples = exact({TRAINED: trained["num_zero"].sum()})
    return Evidence(samples, num_seeds=len(trained), facts={"smallest_trained": trained["smallest"].min()})


def positive(results: Results) -> Evidence:
    table, trained = (results.experiment(EXPERIMENT, name) for name in ("gaps", "trained"))
    probabilities = table.set_index("format").groupby("gap")["probability"]
    facts = {
        "gaps": [{"gap": float(str(gap)), **each.to_dict()} for gap, each in probabilities],
        "limits": _limits(results, "vanishing"),
        "num_zero_trained": trained["num_zero"].sum(),
        "smallest_trained": trained["smallest"].min(),
    }
    samples = _by_format(table["probability"] == 0, table) | exact({TRAINED: trained["num_zero"].sum()})
    return Evidence(samples, num_seeds=len(trained), facts=facts)


def order(results: Results) -> Evidence:
    table = results.experiment(EXPERIMENT, "trained")
    facts = {name: table[name].sum() for name in ("num_images", "num_moved")}
    return Evidence(exact({TRAINED: facts["num_moved"]}), num_seeds=len(table), facts=facts)


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
    tables, bins = ({name: results.table(name, of) for name in names} for of in ("calibration", "reliability"))
    num_seeds = max(map(len, tables.values()))
    complete = {name: table[column].tolist() for name, table in tables.items() if len(table) == num_seeds}
    return Evidence(
        per_seed(complete),
        num_seeds=num_seeds,
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
