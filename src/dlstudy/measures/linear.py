"""Measures on linear regression's closed form and its limits: LIN-2 to LIN-5 and SGD-8."""

import sys
from typing import Any, Final

import pandas as pd

from dlstudy.judging.evidence import Evidence, exact
from dlstudy.measures.samples import records
from dlstudy.study.results import Results

NAME: Final = "linear_theory"

# What findings are held against, fixed before the results were seen; the thresholds of verdicts stand in statements/.
SAME_OPTIMUM: Final = 1e-6  # relative distance from the optimum
APART: Final = 1e-2  # distance of two minima relative to their norm; difference of two hidden units
OTHER_LOSS: Final = 1e-2  # relative difference of losses
ROUNDING: Final = 1e-12  # relative; of sums in another order
NEGATIVE: Final = -1e-6  # eigenvalue of a Hessian that bends down
CONVEX: Final = -1e-10  # eigenvalue of a Hessian that does not, give or take rounding
FEWEST_MINIMA: Final = 5  # of fewer, all may be alike by chance
STATIONARY: Final = 1e-8  # norm of a gradient that counts as 0
EPSILON: Final = sys.float_info.epsilon


def error(results: Results) -> Evidence:
    """LIN-2, losses: the exceptions to each of their properties."""
    checks = records(results.experiment(NAME, "error_checks"))
    samples = exact({row["check"]: row["num_exceptions"] for row in checks})
    vanishing_power = results.experiment_facts(NAME)["losses"]["vanishing_power"]
    return Evidence(samples, facts={"checks": checks, "vanishing_power": vanishing_power})


def optimum(results: Results) -> Evidence:
    constants = records(results.experiment(NAME, "best_constants"))
    samples = {f"{row['loss']} loss, {row['statistic']}": row["relative_difference"] for row in constants}
    return Evidence(exact(samples), facts={"constants": constants})


def outliers(results: Results) -> Evidence:
    """LIN-2: how much less the slope that moves most moves with the loss that is robust to the large houses."""
    table = results.experiment(NAME, "coefficients").pivot(index=["loss", "name"], columns="houses", values="value")
    table = table[["all", "without large"]].rename(columns={"without large": "without"})
    table["move"] = table["without"] / table["all"] - 1
    found = table.to_dict("index")
    moves = {loss: {name: found[loss, name] for name in ("area", "age")} for loss in ("squared", "absolute")}
    largest = {loss: max(abs(slope["move"]) for slope in slopes.values()) for loss, slopes in moves.items()}
    gap = 1 - min(largest.values()) / max(largest.values()) if any(largest.values()) else 0.0
    facts = {"moves": moves, "largest": largest, **results.experiment_facts(NAME)["losses"]}
    return Evidence(exact({"the slope that moves most": gap}), facts=facts)


def routes(results: Results) -> Evidence:
    """LIN-3, closed form: how far apart the ways to it are."""
    routes = results.experiment(NAME, "routes")
    samples = {f"{row['data']}: {row['first']} and {row['second']}": row["difference"] for row in records(routes)}
    largest = routes.groupby("data", sort=False)["difference"].max().to_dict()
    names = list(dict.fromkeys([*routes["first"], *routes["second"]]))
    return Evidence(exact(samples), facts={"largest": largest, "routes": names, "epsilon": EPSILON, **_sizes(results)})


def descent(results: Results) -> Evidence:
    descents = records(results.experiment(NAME, "descents"))
    samples = exact({row["data"]: row["distance"] for row in descents})
    return Evidence(samples, facts={"descents": descents, **_sizes(results)})


def _sizes(results: Results) -> dict[str, Any]:
    facts = results.experiment_facts(NAME)
    return {"num_rows": {"housing": facts["num_train"], "synthetic": facts["num_train_synthetic"]}}


def _solutions(results: Results, *methods: str) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, Any]]:
    """By table and method its quantities (a method that refused has no misfit), and what the page says of them."""
    groups = results.experiment(NAME, "solutions").groupby(["table", "method"], sort=False)
    found = {key: dict(zip(rows["quantity"], rows["value"], strict=True)) for key, rows in groups}
    tables = dict.fromkeys(str(table) for table, _ in found)
    solutions = {table: {method: found[table, method] for method in methods} for table in tables}
    facts = {
        "tables": records(results.experiment(NAME, "collinear")),
        "solutions": solutions,
        "columns": results.experiment_facts(NAME)["collinear"],
        "epsilon": EPSILON,
    }
    return solutions, facts


def fails(solution: dict[str, float]) -> bool:
    """Whether a method gave no solution, or one that fits worse or violates the normal equations."""
    return solution["refused"] > 0 or max(abs(solution["misfit"]), solution["violation"]) > SAME_OPTIMUM


def inverse(results: Results) -> Evidence:
    """LIN-4, always a closed form? Whether the inverse fails, by table."""
    solutions, facts = _solutions(results, "inverse")
    return Evidence(exact({table: fails(of["inverse"]) for table, of in solutions.items()}), facts=facts)


def pseudo_inverse(results: Results) -> Evidence:
    solutions, facts = _solutions(results, "pseudo-inverse", "lstsq")
    misfits = {f"{table}: {name}": abs(of[name]["misfit"]) for table, of in solutions.items() for name in of}
    return Evidence(exact(misfits), facts=facts)


def no_closed_form(results: Results) -> Evidence:
    """LIN-5, no closed form: what does not hold of findings that tell linear models from others."""
    names = ("starts", "minima", "distances", "curvatures", "convexity", "stationarity")
    starts, minima, distances, curvatures, convexity, stationarity = (results.experiment(NAME, name) for name in names)
    bends = stationarity.groupby("model")["bend"]
    below = curvatures[curvatures["smallest"] < NEGATIVE]
    lowest = curvatures.nsmallest(1, "smallest").iloc[0]
    recorded = results.experiment_facts(NAME)
    facts = {
        "largest_linear_distance": _last(starts)["distance"].max(),
        "losses": minima["loss"].tolist(),
        "apart": APART,
        "loss_spread": minima["loss"].max() / minima["loss"].min() - 1,
        "largest_distance": distances["distance"].max(),
        "smallest_distance": distances["distance"].min(),
        "num_pairs": len(distances),
        "num_pairs_apart": (distances["distance"] > APART).sum(),
        "permuted_difference": minima["permuted_difference"].max(),
        "largest_gradient": minima["gradient"].max(),
        "lowest_curvature": lowest["smallest"],
        "lowest_seed": int(lowest["seed"]),
        "lowest_step": int(lowest["step"]),
        "num_points": len(curvatures),
        "num_points_below": len(below),
        "num_seeds_below": below["seed"].nunique(),
        "smallest_at_minima": minima["smallest_eigenvalue"].min(),
        "softmax_eigenvalue": convexity["smallest"].min(),
        "bends": bends.agg(["min", "max"]).to_dict("index"),
        **{name: recorded[name] for name in ("num_seeds", "params", "softmax")},
    }
    findings = {
        "linear model: one optimum from every start": facts["largest_linear_distance"] <= SAME_OPTIMUM,
        "perceptron: minima at different places": facts["largest_distance"] > APART,
        "perceptron: minima of different loss": facts["loss_spread"] > OTHER_LOSS,
        "perceptron: same loss with hidden units in another order": facts["permuted_difference"] <= ROUNDING,
        "perceptron: curvature below 0 on the way": facts["lowest_curvature"] < NEGATIVE,
        "softmax regression: convex": facts["softmax_eigenvalue"] >= CONVEX,
        "softmax regression: stationarity is no linear equation": bends.min()["softmax"] > APART,
        "linear model: stationarity is a linear equation": bends.max()["linear"] <= ROUNDING,
    }
    exceptions = exact({name: not holds for name, holds in findings.items()})
    # Ends of descents that are no minima, or few of them, cannot be compared.
    moving = minima.loc[(minima["gradient"] > STATIONARY) | (minima["smallest_eigenvalue"] <= 0), "seed"]
    faults = [f"seeds that did not end in a minimum: {sorted(moving.tolist())}"] if len(moving) else []
    if len(minima) < FEWEST_MINIMA:
        faults.append(f"{len(minima)} seeds, where finding different minima takes {FEWEST_MINIMA} at least")
    return Evidence(exceptions, recorded["num_seeds"], facts, tuple(faults))


def _last(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step."""
    rows: pd.DataFrame = table[table["step"] == table["step"].max()]
    return rows


def linear_starts(results: Results) -> Evidence:
    """SGD-8, initial values: how far from the optimum descents end, by how they start."""
    starts, facts = results.experiment(NAME, "starts"), results.experiment_facts(NAME)
    when = {"first": starts[starts["step"] == 0], "last": _last(starts)}
    inits = pd.DataFrame({name: rows.groupby("init", sort=False)["distance"].max() for name, rows in when.items()})
    shown = {
        "inits": inits.to_dict("index"),
        "num_steps": starts["step"].max(),
        "wide_std": facts["wide_std"],
    }
    return Evidence(exact(dict(inits["last"])), facts["num_seeds"], shown)


def constant_starts(results: Results) -> Evidence:
    """SGD-8: counterexamples are steps at which equal units come to differ, and random starts whose units are alike."""
    units, facts = results.experiment(NAME, "units"), results.experiment_facts(NAME)
    constant, random = units[units["kind"] == "constant"], units[units["kind"] == "random"]
    exceptions = {row["start"]: row["num_steps_apart"] for row in records(constant)}
    exceptions |= {row["start"]: row["largest_difference"] <= APART for row in records(random)}
    shown = {
        "constants": records(constant),
        "random_difference": random["largest_difference"].agg(["min", "max"]).to_dict(),
        "random_loss": random["loss"].agg(["min", "max"]).to_dict(),
        "apart": APART,
        **facts["params"],
    }
    return Evidence(exact(exceptions), facts["num_seeds"], shown)
