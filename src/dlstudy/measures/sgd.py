"""Measures of minibatch SGD: SGD-1 to SGD-7, each beside theory that was computed before the measurement."""

import itertools
import math
from typing import Any, Final

import numpy as np
import pandas as pd

from dlstudy.judging.evidence import Evidence, Exact, PerSeed, Sample, per_seed
from dlstudy.measures.samples import records
from dlstudy.study.results import Results

EXPERIMENT: Final = "sgd_theory"
SAMPLING: Final = {"without": "shuffled epochs", "with": "independent rows"}


def _facts(results: Results, *names: str) -> dict[str, Any]:
    """The single numbers of the experiment that go by these names."""
    facts = results.experiment_facts(EXPERIMENT)
    return {name: facts[name] for name in names}


def _by_cell(values: "pd.Series[float]", table: pd.DataFrame) -> dict[str, Sample]:
    """The values for each learning rate and batch size of the table."""
    groups = values.groupby([table["learning_rate"], table["batch_size"]], sort=False)
    return per_seed({f"learning rate {lr:g}, B = {size:g}": each.tolist() for (lr, size), each in groups})


def _cell_means(table: pd.DataFrame) -> pd.DataFrame:
    """A row a learning rate and batch size: the means over the seeds."""
    return table.drop(columns="seed").groupby(["learning_rate", "batch_size"], as_index=False).mean()


def _extremes(means: pd.DataFrame, *columns: str) -> dict[str, float]:
    kinds = {"smallest": "min", "largest": "max"}
    return {f"{kind}_{column}": means[column].agg(how) for column in columns for kind, how in kinds.items()}


def pooled_z(table: pd.DataFrame) -> float:
    """The z-score of the mean deviation of many minibatches, from means and variances of groups of them."""
    num = table["num_minibatches"]
    mean = (table["deviation"] * num).sum() / num.sum()
    variance = ((table["variance"] + table["deviation"] ** 2) * num).sum() / num.sum() - mean**2
    return float(mean / math.sqrt(variance / (num.sum() - 1)))


def estimates(results: Results) -> Evidence:
    """SGD-1: by seed, how far the mean of many minibatch gradients is from the full one, over the latter's length."""
    table = results.experiment(EXPERIMENT, "means")
    facts = _facts(results, "num_rows", "coordinates", "full_gradient", "num_epochs")
    length = math.hypot(*facts["full_gradient"])
    samples, rows = {}, []
    for batch_size, sampling in itertools.product(sorted(set(table["batch_size"])), SAMPLING):
        group = table[(table["batch_size"] == batch_size) & (table["sampling"] == sampling)].sort_values("seed")
        by_coordinate = [each for _, each in group.groupby("coordinate")]
        for coordinate, each in zip(facts["coordinates"], by_coordinate, strict=True):
            samples[f"B = {batch_size}, {SAMPLING[sampling]}, {coordinate}"] = (each["deviation"] / length).tolist()
        num, scores = by_coordinate[0]["num_minibatches"].sum(), [pooled_z(each) for each in by_coordinate]
        rows.append({"sampling": sampling, "batch_size": batch_size, "num_minibatches": num, "z": scores})
    num_beyond_two = sum(abs(z) > 2 for row in rows for z in row["z"])
    shown = {**facts, "num_tests": len(samples), "num_beyond_two": num_beyond_two, "rows": rows}
    return Evidence(per_seed(samples), num_seeds=table["seed"].nunique(), facts=shown)


def variances(results: Results, sampling: str) -> Evidence:
    """SGD-2: measured over predicted variance of minibatch gradients, drawn "with" or "without" replacement."""
    table = results.experiment(EXPERIMENT, "variances")
    facts = _facts(results, "num_rows", "num_epochs", "gradient_variance")
    drawn = table[table["sampling"] == sampling]
    varying = drawn[drawn["predicted"] > 0]  # a minibatch of all rows, none twice, does not vary
    ratios = varying.assign(ratio=varying["measured"] / varying["predicted"])
    means = ratios.groupby("batch_size", as_index=False)[["predicted", "measured", "ratio"]].mean()
    all_rows = drawn[drawn["batch_size"] == facts["num_rows"]]
    shown = {**facts, "largest_at_all_rows": all_rows["measured"].max(), "rows": records(means)}
    samples = {f"B = {batch_size}": each["ratio"].tolist() for batch_size, each in ratios.groupby("batch_size")}
    return Evidence(per_seed(samples), num_seeds=table["seed"].nunique(), facts=shown)


def critical(results: Results, problem: str) -> Evidence:
    """SGD-3: measured over predicted critical learning rate, of the problem "linear" or "softmax"."""
    tables = (results.experiment(EXPERIMENT, name) for name in ("critical", "curves"))
    found, curves = (table[table["problem"] == problem] for table in tables)
    last = curves[curves["step"] == curves["step"].max()][["factor", "learning_rate", "loss"]]
    # by learning rate, how many steps raise the loss
    rising = [(each["loss"].diff() > 0).sum() for _, each in curves.groupby("factor")]
    recorded = ("eigenvalues", "bisection_precision", "num_trial_steps", "num_images", "num_curve_images")
    shown = {
        "predicted": found["predicted"].iloc[0],
        "measured": found["measured"].mean(),
        "num_starts": len(found),
        "images": results.image_set().name,
        "first_loss": curves.loc[curves["step"] == 0, "loss"].iloc[0],
        "curves": records(last.assign(rising=rising)),
        "curvature": records(results.experiment(EXPERIMENT, "curvature")),  # of softmax, at the lowest rate
        **_facts(results, *recorded, "num_curve_steps", "num_classes"),
    }
    ratios = (found["measured"] / found["predicted"]).tolist()
    if problem == "linear":
        return Evidence({"Ames sales": PerSeed(ratios)}, num_seeds=len(found), facts=shown)
    return Evidence({f"{shown['images']}, W = 0": Exact(ratios[0])}, facts=shown)  # one start serves for the images


def contractions(results: Results) -> Evidence:
    """SGD-4: measured over predicted logarithm of the factor by which a step shrinks the distance to the optimum."""
    table = results.experiment(EXPERIMENT, "contractions")
    table = table.assign(ratio=table["measured"] / table["predicted"])
    by_fraction = table.groupby("fraction")
    means = by_fraction[["learning_rate", "predicted", "measured", "ratio"]].mean().reset_index()
    means["predicted_factor"], means["measured_factor"] = np.exp(means["predicted"]), np.exp(means["measured"])
    means["num_steps_to_tenth"] = np.log(0.1) / means["predicted"]
    shown = {**_facts(results, "eigenvalues", "reduction"), "rows": records(means)}
    samples = {f"{fraction:g} of the critical rate": each.tolist() for fraction, each in by_fraction["ratio"]}
    return Evidence(per_seed(samples), num_seeds=table["seed"].nunique(), facts=shown)


def log_slope(table: pd.DataFrame, column: str) -> float:
    """The least-squares slope of the logarithm of a column on that of learning rate / batch size."""
    return float(np.polyfit(np.log(table["learning_rate"] / table["batch_size"]), np.log(table[column]), 1)[0])


def _floors(results: Results) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The excess loss at which descent stops improving, and what the page says of it: SGD-5."""
    table = results.experiment(EXPERIMENT, "floors")
    table = table.assign(ratio=table["measured"] / table["simple"], exact_ratio=table["measured"] / table["exact"])
    first = table[table["seed"] == table["seed"].iloc[0]]  # theory is the same for every seed
    names = ("num_rows", "num_chains", "num_floor_steps", "num_steps_down", "smallest_loss", "eigenvalues", "noise")
    means = _cell_means(table)
    shown = {
        **_facts(results, *names),
        "rows": records(means),
        **{f"{name}_slope": log_slope(first, name) for name in ("simple", "exact")},
        "largest_correction": (first["exact"] / first["simple"]).max() - 1,
        **_extremes(means, "ratio", "exact_ratio"),
    }
    return table, shown


def level(results: Results) -> Evidence:
    table, facts = _floors(results)
    return Evidence(_by_cell(table["ratio"], table), num_seeds=table["seed"].nunique(), facts=facts)


def slope(results: Results) -> Evidence:
    table, facts = _floors(results)
    slopes = [log_slope(each, "measured") for _, each in table.groupby("seed")]
    facts |= {"slopes": slopes, "mean_slope": np.mean(slopes)}
    return Evidence({"": PerSeed(slopes)}, num_seeds=len(slopes), facts=facts)


def _steps(results: Results) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The shares of steps that lower the loss, and what the page says of them: SGD-6."""
    table, full = (results.experiment(EXPERIMENT, name) for name in ("first_steps", "full_batch"))
    shown = {
        **_facts(results, "num_rows", "num_chains", "num_first_steps"),
        "rows": records(_cell_means(table)),
        "mean_share": table["share"].mean(),
        **{name: table[name].mean() for name in ("first_half", "second_half")},
        "full_batch": records(full),
        "full_batch_lowest": float(full["share"].min()),
    }
    return table, shown


def steps_that_help(results: Results) -> Evidence:
    """SGD-6: by seed, the share of all steps that lower the loss. The conditions are no draws: they share its luck."""
    table, facts = _steps(results)
    by_seed = table.groupby("seed")["share"].mean()
    return Evidence({"": PerSeed(by_seed.tolist())}, num_seeds=len(by_seed), facts=facts)


def steps_that_do_not(results: Results) -> Evidence:
    """SGD-6: by learning rate and minibatch size, the share of steps that do not lower the loss, one per seed."""
    table, facts = _steps(results)
    return Evidence(_by_cell(1 - table["share"], table), num_seeds=table["seed"].nunique(), facts=facts)


def reshuffled(results: Results) -> Evidence:
    """SGD-7: the excess loss of shuffled epochs over that of minibatches that are drawn uniformly."""
    table = results.experiment(EXPERIMENT, "reshuffled")
    table = table.assign(ratio=table["reshuffled"] / table["independent"])
    facts, means = _facts(results, "num_rows", "num_chains", "num_floor_epochs"), _cell_means(table)
    shown = {
        **facts,
        "rows": records(means.assign(num_steps=facts["num_rows"] // means["batch_size"])),
        **_extremes(means, "ratio"),
        "largest_gap": (means["ratio"] / means["predicted_ratio"] - 1).abs().max(),  # of theory, relative
    }
    return Evidence(_by_cell(table["ratio"], table), num_seeds=table["seed"].nunique(), facts=shown)
