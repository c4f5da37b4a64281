"""Claims on linear regression's closed form and its limits: LIN-2 to LIN-5 and SGD-8."""

import sys
from typing import Any, Final

import pandas as pd

from dlstudy.judging.core import Claim, Evidence, Literature, Statement, Text
from dlstudy.judging.rules import AllHold, AtMost, NoException
from dlstudy.study.results import Results

NAME: Final = "linear_theory"
FOLDER: Final = f"results/experiments/{NAME}"

# Thresholds, fixed before the results were seen.
SAME_OPTIMUM: Final = 1e-6  # relative distance from the optimum
SAME_SOLUTION: Final = 1e-8  # relative difference of exact methods
MUCH: Final = 0.5  # one move less than half of the other: "much" is a factor of 2
APART: Final = 1e-2  # distance of two minima relative to their norm; difference of two hidden units
OTHER_LOSS: Final = 1e-2  # relative difference of losses
ROUNDING: Final = 1e-12  # relative; of sums in another order
NEGATIVE: Final = -1e-6  # eigenvalue of a Hessian that bends down
CONVEX: Final = -1e-10  # eigenvalue of a Hessian that does not, give or take rounding
FEWEST_MINIMA: Final = 5  # of fewer, all may be alike by chance
STATIONARY: Final = 1e-8  # norm of a gradient that counts as 0


EPSILON: Final = sys.float_info.epsilon


def _files(*tables: str) -> tuple[str, ...]:
    return (*(f"{FOLDER}/{table}.csv" for table in tables), f"{FOLDER}/facts.json")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


# --- LIN-2: losses ---

LIN_2: Final = Statement(
    "LIN-2",
    "linear",
    Text(
        "The error of a prediction is measured by a number that is never negative, and less is better; "
        "its square is a common choice.",
        "预测的误差用一个非负数来衡量，越小越好；平方误差是常用的选择。",
    ),
)


def measure_error(results: Results) -> Evidence:
    checks = results.experiment(NAME, "error_checks")
    samples = {row["check"]: [float(row["num_exceptions"])] for row in _records(checks)}
    facts = {
        "checks": _records(checks),
        "vanishing_power": results.experiment_facts(NAME)["losses"]["vanishing_power"],
    }
    return Evidence(samples, facts=facts)


def measure_optimum(results: Results) -> Evidence:
    constants = results.experiment(NAME, "best_constants")
    samples = {f"{row['loss']} loss, {row['statistic']}": [row["relative_difference"]] for row in _records(constants)}
    return Evidence(samples, facts={"constants": _records(constants)})


def slope_moves(coefficients: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """For each loss and slope: its value with all houses, without the large ones, and its relative move."""
    values = coefficients.set_index(["loss", "name", "houses"])["value"]
    moves: dict[str, dict[str, dict[str, float]]] = {}
    for loss in ("squared", "absolute"):
        moves[loss] = {}
        for name in ("area", "age"):
            before, after = float(values[loss, name, "all"]), float(values[loss, name, "without large"])
            moves[loss][name] = {"all": before, "without": after, "move": after / before - 1}
    return moves


def measure_outliers(results: Results) -> Evidence:
    moves = slope_moves(results.experiment(NAME, "coefficients"))
    largest = {loss: max(abs(slope["move"]) for slope in slopes.values()) for loss, slopes in moves.items()}
    gap = 1 - min(largest.values()) / max(largest.values()) if any(largest.values()) else 0.0
    facts = {"moves": moves, "largest": largest, "much": MUCH, **results.experiment_facts(NAME)["losses"]}
    return Evidence({"the slope that moves most": [gap]}, facts=facts)


# --- LIN-3: closed form ---

LIN_3: Final = Statement(
    "LIN-3",
    "linear",
    Text(
        "With the squared loss, a linear model has a solution in closed form.",
        "使用平方损失时，线性模型有解析解。",
    ),
)


def measure_routes(results: Results) -> Evidence:
    routes = results.experiment(NAME, "routes")
    samples = {f"{row['data']}: {row['first']} and {row['second']}": [row["difference"]] for row in _records(routes)}
    largest = {str(data): float(found.max()) for data, found in routes.groupby("data", sort=False)["difference"]}
    names = list(dict.fromkeys([*routes["first"], *routes["second"]]))
    return Evidence(samples, facts={"largest": largest, "routes": names, "epsilon": EPSILON, **_sizes(results)})


def measure_descent(results: Results) -> Evidence:
    descents = _records(results.experiment(NAME, "descents"))
    samples = {row["data"]: [row["distance"]] for row in descents}
    return Evidence(samples, facts={"descents": descents, **_sizes(results)})


def _sizes(results: Results) -> dict[str, Any]:
    facts = results.experiment_facts(NAME)
    return {"num_rows": {"housing": facts["num_train"], "synthetic": facts["num_train_synthetic"]}}


# --- LIN-4: always? ---

LIN_4: Final = Statement(
    "LIN-4",
    "linear",
    Text(
        "That solution is w = (X'X)⁻¹X'y, whatever the table.",
        "这个解就是 w = (X'X)⁻¹X'y，对任何数据表都成立。",
    ),
)


def _solutions(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """By table, method and quantity; a method that refused has no misfit."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in _records(results.experiment(NAME, "solutions")):
        found.setdefault(row["table"], {}).setdefault(row["method"], {})[row["quantity"]] = float(row["value"])
    return found


def _collinear_facts(results: Results, methods: tuple[str, ...]) -> dict[str, Any]:
    solutions = _solutions(results)
    return {
        "tables": _records(results.experiment(NAME, "collinear")),
        "solutions": {table: {name: of[name] for name in methods} for table, of in solutions.items()},
        "columns": results.experiment_facts(NAME)["collinear"],
        "epsilon": EPSILON,
    }


def fails(solution: dict[str, float]) -> bool:
    """Whether a method gave no solution, or one that fits worse or violates the normal equations."""
    return solution["refused"] > 0 or max(abs(solution["misfit"]), solution["violation"]) > SAME_OPTIMUM


def measure_inverse(results: Results) -> Evidence:
    samples = {table: [float(fails(of["inverse"]))] for table, of in _solutions(results).items()}
    return Evidence(samples, facts=_collinear_facts(results, ("inverse",)))


def measure_pseudo_inverse(results: Results) -> Evidence:
    methods = ("pseudo-inverse", "lstsq")
    solutions = _solutions(results)
    samples = {f"{table}: {name}": [abs(of[name]["misfit"])] for table, of in solutions.items() for name in methods}
    return Evidence(samples, facts=_collinear_facts(results, methods))


# --- LIN-5: no closed form ---

LIN_5: Final = Statement(
    "LIN-5",
    "linear",
    Text(
        "Most deep-learning models have no solution in closed form; they are solved numerically.",
        "大多数深度学习模型没有解析解，只能求数值解。",
    ),
)


def _minima_faults(minima: pd.DataFrame) -> tuple[str, ...]:
    """Why ends of descents cannot be compared, if they cannot: they are no minima."""
    moving = minima[(minima["gradient"] > STATIONARY) | (minima["smallest_eigenvalue"] <= 0)]
    faults = (f"seeds that did not end in a minimum: {sorted(moving['seed'].tolist())}",) if len(moving) else ()
    few = (f"{len(minima)} seeds, where finding different minima takes {FEWEST_MINIMA} at least",)
    return faults + (few if len(minima) < FEWEST_MINIMA else ())


def measure_no_closed_form(results: Results) -> Evidence:
    tables = {
        name: results.experiment(NAME, name)
        for name in ("starts", "minima", "distances", "curvatures", "convexity", "stationarity")
    }
    told = results.experiment_facts(NAME)
    facts = _no_closed_form_facts(tables) | {name: told[name] for name in ("num_seeds", "params", "softmax")}
    bends = facts["bends"]
    findings = {
        "linear model: one optimum from every start": facts["largest_linear_distance"] <= SAME_OPTIMUM,
        "perceptron: minima at different places": facts["largest_distance"] > APART,
        "perceptron: minima of different loss": facts["loss_spread"] > OTHER_LOSS,
        "perceptron: same loss with hidden units in another order": facts["permuted_difference"] <= ROUNDING,
        "perceptron: curvature below 0 on the way": facts["lowest_curvature"] < NEGATIVE,
        "softmax regression: convex": facts["softmax_eigenvalue"] >= CONVEX,
        "softmax regression: stationarity is no linear equation": bends["softmax"]["min"] > APART,
        "linear model: stationarity is a linear equation": bends["linear"]["max"] <= ROUNDING,
    }
    samples = {name: [float(holds)] for name, holds in findings.items()}
    return Evidence(samples, facts["num_seeds"], facts, _minima_faults(tables["minima"]))


def _no_closed_form_facts(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    minima, distances, curvatures = tables["minima"], tables["distances"], tables["curvatures"]
    bends = tables["stationarity"].groupby("model")["bend"]
    below = curvatures[curvatures["smallest"] < NEGATIVE]
    lowest = curvatures.nsmallest(1, "smallest").iloc[0]
    return {
        "largest_linear_distance": float(_last(tables["starts"])["distance"].max()),
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
        "softmax_eigenvalue": float(tables["convexity"]["smallest"].min()),
        "bends": {str(name): {"min": float(found.min()), "max": float(found.max())} for name, found in bends},
    }


# --- SGD-8: initial values ---

SGD_8: Final = Statement(
    "SGD-8",
    "linear",
    Text(
        "The parameters start from chosen initial values, for example random ones.",
        "模型参数先取一组初始值，例如随机选取。",
    ),
)


def _last(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last step."""
    rows: pd.DataFrame = table[table["step"] == table["step"].max()]
    return rows


def measure_linear_starts(results: Results) -> Evidence:
    starts, facts = results.experiment(NAME, "starts"), results.experiment_facts(NAME)
    groups = {
        "first": starts[starts["step"] == 0].groupby("init", sort=False)["distance"],
        "last": _last(starts).groupby("init", sort=False)["distance"],
    }
    samples = {str(init): found.tolist() for init, found in groups["last"]}
    told = {
        "inits": {init: {when: float(found.max()[init]) for when, found in groups.items()} for init in samples},
        "num_steps": int(starts["step"].max()),
        "wide_std": facts["wide_std"],
    }
    return Evidence(samples, facts["num_seeds"], told)


def measure_constant_starts(results: Results) -> Evidence:
    """A counterexample is a step at which units from equal starts differ, or a random start whose units are alike."""
    units, facts = results.experiment(NAME, "units"), results.experiment_facts(NAME)
    constant, random = units[units["kind"] == "constant"], units[units["kind"] == "random"]
    samples = {row["start"]: [float(row["num_steps_apart"])] for row in _records(constant)}
    samples |= {row["start"]: [float(row["largest_difference"] <= APART)] for row in _records(random)}
    told = {
        "constants": _records(constant),
        "random_difference": {name: float(random["largest_difference"].agg(name)) for name in ("min", "max")},
        "random_loss": {name: float(random["loss"].agg(name)) for name in ("min", "max")},
        "apart": APART,
        **facts["params"],
    }
    return Evidence(samples, facts["num_seeds"], told)


# --- The claims ---

CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        statement=LIN_2,
        reading="error",
        tested=Text(
            "The squared loss of a price is never negative, is 0 exactly where the prediction equals the price, and "
            "grows with the absolute error.",
            "房价的平方损失从不为负，当且仅当预测等于真实价格时为零，并且随绝对误差增大而增大。",
        ),
        kind="identity",
        quantifier="always",
        unit="counterexamples",
        rule=NoException(),
        literature=Literature(
            "true of every real number; a matter of definition",
            "Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009, section 2.4",
        ),
        would_change="One sale whose squared loss is negative, 0 at a wrong price, or smaller for a larger error.",
        data=_files("error_checks"),
        measure=measure_error,
    ),
    Claim(
        statement=LIN_2,
        reading="optimum",
        tested=Text(
            "The one price that fits all houses best is their mean under the squared loss and their median under the "
            "absolute loss.",
            "若只用一个常数来预测所有房价，平方损失下的最优值是均值，绝对损失下的最优值是中位数。",
        ),
        kind="identity",
        quantifier="for the prices of the training split",
        unit="relative difference",
        rule=AtMost(SAME_OPTIMUM, "relative difference"),
        literature=Literature(
            "a theorem",
            "Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, 2009, section 2.4",
        ),
        would_change="A constant with a smaller loss, farther than the tolerance from the mean or the median.",
        data=_files("best_constants"),
        measure=measure_optimum,
    ),
    Claim(
        statement=LIN_2,
        reading="outliers",
        tested=Text(
            "Squared and absolute loss lean on a few extreme houses about equally: without them, the most that a slope "
            "moves under one loss is at least half of what it is under the other.",
            "平方损失和绝对损失受少数极端房屋的影响大致相当：去掉这些房屋后，"
            "一种损失下斜率的最大变动至少是另一种损失下的一半。",
        ),
        kind="identity",
        quantifier="for these houses",
        unit="gap, as a share of the larger move",
        rule=AtMost(MUCH, "gap between the two moves, as a share of the larger one,"),
        literature=Literature(
            "under squared loss a single row can move the fit any distance; absolute loss resists extreme prices, not "
            "extreme areas",
            "Rousseeuw and Leroy, Robust Regression and Outlier Detection, 1987, chapter 1",
        ),
        would_change="Slopes that move about as far under either loss when the same houses are left out.",
        data=_files("coefficients"),
        measure=measure_outliers,
    ),
    Claim(
        statement=LIN_3,
        reading="routes",
        tested=Text(
            "Normal equations, QR, singular values and the library's least squares give the same coefficients.",
            "正规方程、QR 分解、奇异值分解和库函数的最小二乘法给出相同的系数。",
        ),
        kind="identity",
        quantifier="for both data sets",
        unit="relative difference",
        rule=AtMost(SAME_SOLUTION, "relative difference between two routes"),
        literature=Literature(
            "a theorem where columns are independent; the normal equations square the condition number",
            "Golub and Van Loan, Matrix Computations, 4th edition, 2013, chapter 5",
        ),
        would_change="Two routes whose coefficients differ by more than the tolerance.",
        data=_files("routes"),
        measure=measure_routes,
    ),
    Claim(
        statement=LIN_3,
        reading="descent",
        tested=Text(
            "Full-batch gradient descent arrives at the solution in closed form.",
            "全批量梯度下降会收敛到解析解。",
        ),
        kind="identity",
        quantifier="for both data sets",
        unit="relative distance",
        rule=AtMost(SAME_OPTIMUM, "relative distance from the closed form"),
        literature=Literature(
            "a theorem for a learning rate below 2 / λ, λ being the largest eigenvalue of the Hessian",
            "Nesterov, Introductory Lectures on Convex Optimization, 2004, chapter 2",
        ),
        would_change="A descent with learning rate 1 / λ that stays farther away than the tolerance.",
        data=_files("descents"),
        measure=measure_descent,
    ),
    Claim(
        statement=LIN_4,
        reading="inverse",
        tested=Text(
            "w = (X'X)⁻¹X'y gives the least-squares solution for every table.",
            "对任何数据表，w = (X'X)⁻¹X'y 都给出最小二乘解。",
        ),
        kind="identity",
        quantifier="always",
        unit="tables on which it fails",
        rule=NoException("table on which it fails"),
        literature=Literature(
            "holds only where the columns are linearly independent",
            "Golub and Van Loan, Matrix Computations, 4th edition, 2013, chapter 5",
        ),
        would_change=(
            "An inverse that exists, fits best and satisfies the normal equations where columns depend on each other."
        ),
        data=_files("solutions", "collinear"),
        measure=measure_inverse,
    ),
    Claim(
        statement=LIN_4,
        reading="pseudo_inverse",
        tested=Text(
            "The pseudo-inverse, w = X⁺y, and QR with pivoting reach the least squared error on those tables too.",
            "在这些数据表上，伪逆 w = X⁺y 和带列主元的 QR 分解都同样能达到最小的平方误差。",
        ),
        kind="identity",
        quantifier="for every table",
        unit="relative excess of the squared error",
        rule=AtMost(SAME_SOLUTION, "relative excess over the least squared error"),
        literature=Literature(
            "a theorem: of all best solutions that of the pseudo-inverse has the least norm",
            "Penrose, On best approximate solutions of linear matrix equations, "
            "Proceedings of the Cambridge Philosophical Society 52, 1956",
        ),
        would_change="A table on which one of the two misses the least squared error by more than the tolerance.",
        data=_files("solutions", "collinear"),
        measure=measure_pseudo_inverse,
    ),
    Claim(
        statement=LIN_5,
        reading="",
        tested=Text(
            "A small perceptron has many minima where the linear model has one optimum, and softmax regression, though "
            "convex, leaves equations that are not linear.",
            "线性模型只有一个最优解，小型感知机却有许多极小点；softmax 回归虽是凸问题，其驻点方程却不是线性的。",
        ),
        kind="identity",
        quantifier="for these models",
        unit="share of findings that hold",
        rule=AllHold(),
        literature=Literature(
            "many minima, some of them the same network in another order; such examples prove no formula impossible",
            "Goodfellow, Bengio and Courville, Deep Learning, 2016, section 8.2",
        ),
        would_change="A perceptron whose descents all end in one minimum up to symmetry, or one finding that fails.",
        data=_files("starts", "minima", "distances", "curvatures", "convexity", "stationarity"),
        measure=measure_no_closed_form,
    ),
    Claim(
        statement=SGD_8,
        reading="linear",
        tested=Text(
            "For linear regression any initial values lead to the same optimum.",
            "对线性回归来说，无论取什么初始值，最后都到达同一个最优解。",
        ),
        kind="identity",
        quantifier="for every initialiser and seed",
        unit="relative distance",
        rule=AtMost(SAME_OPTIMUM, "relative distance from the optimum"),
        literature=Literature(
            "a theorem where the columns are linearly independent",
            "Nesterov, Introductory Lectures on Convex Optimization, 2004, chapter 2",
        ),
        would_change="One start from which descent ends farther from the optimum than the tolerance.",
        data=_files("starts"),
        measure=measure_linear_starts,
    ),
    Claim(
        statement=SGD_8,
        reading="constant",
        tested=Text(
            "If all initial values are equal, the hidden units of a perceptron stay identical for ever; from random "
            "ones they come apart.",
            "若所有初始值相同，感知机的隐藏单元将永远完全一样；从随机初始值出发，它们则会各不相同。",
        ),
        kind="identity",
        quantifier="at every step tried, from every start",
        unit="counterexamples",
        rule=NoException(
            "step at which units from equal starts differ in any bit, and no random start whose units end within "
            f"{APART:g} of each other"
        ),
        literature=Literature(
            "known as breaking the symmetry",
            "Goodfellow, Bengio and Courville, Deep Learning, 2016, section 8.4",
        ),
        would_change="Equal units that come apart without noise, or random ones that become alike.",
        data=_files("units"),
        measure=measure_constant_starts,
    ),
)
