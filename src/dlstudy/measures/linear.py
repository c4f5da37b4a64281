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


def slope_moves(coefficients: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """For each loss and slope: its value with all houses, without the large ones, and its relative move."""
    table = coefficients.pivot(index=["loss", "name"], columns="houses", values="value")
    table = table[["all", "without large"]].rename(columns={"without large": "without"})
    table["move"] = table["without"] / table["all"] - 1
    found = table.to_dict("index")
    return {loss: {name: found[loss, name] for name in ("area", "age")} for loss in ("squared", "absolute")}


def outliers(results: Results) -> Evidence:
    moves = slope_moves(results.experiment(NAME, "coefficients"))
    largest = {loss: max(abs(slope["move"]) for slope in slopes.values()) for loss, slopes in moves.items()}
    gap = 1 - min(largest.values()) / max(largest.values()) if any(largest.values()) else 0.0
    facts = {"moves": moves, "largest": largest, **results.experiment_facts(NAME)["losses"]}
    return Evidence(exact({"the slope that moves most": gap}), facts=facts)


def routes(results: Results) -> Evidence:
    """LIN-3, closed form: how far apart the ways to it are."""
    routes = results.experiment(NAME, "routes")
    samples = {f"{row['data']}: {row['first']} and {row['second']}": row["difference"] for row in records(routes)}
    largest = {str(data): float(found.max()) for data, found in routes.groupby("data", sort=False)["difference"]}
    names = list(dict.fromkeys([*routes["first"], *routes["second"]]))
    return Evidence(exact(samples), facts={"largest": largest, "routes": names, "epsilon": EPSILON, **_sizes(results)})


def descent(results: Results) -> Evidence:
    descents = records(results.experiment(NAME, "descents"))
    samples = exact({row["data"]: row["distance"] for row in descents})
    return Evidence(samples, facts={"descents": descents, **_sizes(results)})


def _sizes(results: Results) -> dict[str, Any]:
    facts = results.experiment_facts(NAME)
    return {"num_rows": {"housing": facts["num_train"], "synthetic": facts["num_train_synthetic"]}}


def _solutions(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """By table, method and quantity; a method that refused has no misfit."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in records(results.experiment(NAME, "solutions")):
        found.setdefault(row["table"], {}).setdefault(row["method"], {})[row["quantity"]] = float(row["value"])
    return found


def _collinear_facts(results: Results, methods: tuple[str, ...]) -> dict[str, Any]:
    solutions = _solutions(results)
    return {
        "tables": records(results.experiment(NAME, "collinear")),
        "solutions": {table: {name: of[name] for name in methods} for table, of in solutions.items()},
        "columns": results.experiment_facts(NAME)["collinear"],
        "epsilon": EPSILON,
    }


def fails(solution: dict[str, float]) -> bool:
    """Whether a method gave no solution, or one that fits worse or violates the normal equations."""
    return solution["refused"] > 0 or max(abs(solution["misfit"]), solution["violation"]) > SAME_OPTIMUM


def inverse(results: Results) -> Evidence:
    """LIN-4, always a closed form? Whether the inverse fails, by table."""
    samples = exact({table: fails(of["inverse"]) for table, of in _solutions(results).items()})
    return Evidence(samples, facts=_collinear_facts(results, ("inverse",)))


def pseudo_inverse(results: Results) -> Evidence:
    methods = ("pseudo-inverse", "lstsq")
    solutions = _solutions(results)
    samples = {f"{table}: {name}": abs(of[name]["misfit"]) for table, of in solutions.items() for name in methods}
    return Evidence(exact(samples), facts=_collinear_facts(results, methods))


def no_closed_form(results: Results) -> Evidence:
    """LIN-5, no closed form: what does not hold of findings that tell linear models from others."""
    names = ("starts", "minima", "distances", "curvatures", "convexity", "stationarity")
    starts, minima, distances, curvatures, convexity, stationarity = (results.experiment(NAME, name) for name in names)
    bends = {str(name): found["bend"] for name, found in stationarity.groupby("model")}
    below = curvatures[curvatures["smallest"] < NEGATIVE]
    lowest = curvatures.nsmallest(1, "smallest").iloc[0]
    recorded = results.experiment_facts(NAME)
    facts = {
        "largest_linear_distance": float(_last(starts)["distance"].max()),
        "losses": minima["loss"].tolist(),
        "apart": APART,
        "loss_spread": float(minima["loss"].max() / minima["loss"].min() - 1),
        "largest_distance": float(distances["distance"].max()),
        "smallest_distance": float(distances["distance"].min()),
        "num_pairs": len(distances),
        "num_pairs_apart": int((distances["distance"] > APART).sum()),
        "permuted_difference": float(minima["permuted_difference"].max()),
        "largest_gradient": float(minima["gradient"].max()),
        "lowest_curvature": float(lowest["smallest"]),
        "lowest_seed": int(lowest["seed"]),
        "lowest_step": int(lowest["step"]),
        "num_points": len(curvatures),
        "num_points_below": len(below),
        "num_seeds_below": int(below["seed"].nunique()),
        "smallest_at_minima": float(minima["smallest_eigenvalue"].min()),
        "softmax_eigenvalue": float(convexity["smallest"].min()),
        "bends": {name: {"min": float(found.min()), "max": float(found.max())} for name, found in bends.items()},
        **{name: recorded[name] for name in ("num_seeds", "params", "softmax")},
    }
    findings = {
        "linear model: one optimum from every start": facts["largest_linear_distance"] <= SAME_OPTIMUM,
        "perceptron: minima at different places": facts["largest_distance"] > APART,
        "perceptron: minima of different loss": facts["loss_spread"] > OTHER_LOSS,
        "perceptron: same loss with hidden units in another order": facts["permuted_difference"] <= ROUNDING,
        "perceptron: curvature below 0 on the way": facts["lowest_curvature"] < NEGATIVE,
        "softmax regression: convex": facts["softmax_eigenvalue"] >= CONVEX,
        "softmax regression: stationarity is no linear equation": bends["softmax"].min() > APART,
        "linear model: stationarity is a linear equation": bends["linear"].max() <= ROUNDING,
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
    groups = {
        "first": starts[starts["step"] == 0].groupby("init", sort=False)["distance"],
        "last": _last(starts).groupby("init", sort=False)["distance"],
    }
    samples = exact({str(init): found.max() for init, found in groups["last"]})
    shown = {
        "inits": {init: {when: float(found.max()[init]) for when, found in groups.items()} for init in samples},
        "num_steps": int(starts["step"].max()),
        "wide_std": facts["wide_std"],
    }
    return Evidence(samples, facts["num_seeds"], shown)


def constant_starts(results: Results) -> Evidence:
    """SGD-8: counterexamples are steps at which equal units come to differ, and random starts whose units are alike."""
    units, facts = results.experiment(NAME, "units"), results.experiment_facts(NAME)
    constant, random = units[units["kind"] == "constant"], units[units["kind"] == "random"]
    exceptions = {row["start"]: row["num_steps_apart"] for row in records(constant)}
    exceptions |= {row["start"]: row["largest_difference"] <= APART for row in records(random)}
    shown = {
        "constants": records(constant),
        "random_difference": {name: float(random["largest_difference"].agg(name)) for name in ("min", "max")},
        "random_loss": {name: float(random["loss"].agg(name)) for name in ("min", "max")},
        "apart": APART,
        **facts["params"],
    }
    return Evidence(exact(exceptions), facts["num_seeds"], shown)
