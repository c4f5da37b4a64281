"""The page for practitioners: which activation, when; every answer computed from the ladder."""

from typing import Any, Final

import pandas as pd

from dlstudy.judging.statistics import t_interval
from dlstudy.study.ladder import POINTS, RELU, Cell, Ladder
from dlstudy.study.results import MissingResultError, Results

Context = dict[str, Any]

HASTY_RATE: Final = 0.1
"""The learning rate of a hasty comparison: what tutorials start with, and one that the first rung tries for all."""


def activations_page(results: Results) -> Context:
    ladder = Ladder(results)
    return {
        "protocol": results.study.ladder.protocol,
        "thresholds": results.study.ladder.thresholds,
        "settings": results.study.judge,
        "activations": ladder.activations,
        "images": results.image_set().name,
        "rows": cell_rows(ladder),
        "dead": [str(cell) for cell in ladder.cells if cell not in ladder.living],
        "deepest": deepest_rows(ladder),
        "policies": policy_rows(ladder),
        "controls": control_rows(ladder),
        "arms": arm_rows(ladder),
        "in_arms": verdicts_in_arms(results.arms()),
        "hasty": hasty_rows(ladder),
        "hasty_rate": HASTY_RATE,
        "which": which(ladder),
    }


def cell_rows(ladder: Ladder) -> list[Context]:
    """A row a cell in which anything trains: the best on validation, ReLU beside it, and who is as good on test."""
    return [cell_row(ladder, cell) for cell in ladder.living]


def cell_row(ladder: Ladder, cell: Cell) -> Context:
    best = ladder.best(cell, ladder.activations)
    chosen = ladder.choice(best, cell)
    return {
        "cell": cell,
        "best": best,
        "init": chosen["init"],
        "lr": chosen["lr"],
        "accuracy": ladder.scores(best, cell).mean(),
        "relu": ladder.scores(RELU, cell).mean(),
        "behind": POINTS * (ladder.scores(best, cell) - ladder.scores(RELU, cell)).mean(),
        "close": [name for name in ladder.activations if name != best and equivalent(ladder, best, name, cell)],
    }


def equivalent(ladder: Ladder, first: str, second: str, cell: Cell) -> bool:
    """Whether the two differ by less than the margin: two one-sided tests at the study's level."""
    settings = ladder.results.study.judge
    found = t_interval(ladder.points(first, second, cell).tolist(), 2 * settings.confidence - 1)
    return found.inside(-settings.margin, settings.margin)


def deepest_rows(ladder: Ladder) -> list[Context]:
    """By activation: the deepest network of which every seed trains, at each budget."""
    budgets = sorted({cell.budget for cell in ladder.cells})
    return [
        {"name": name, "depths": {budget: deepest(ladder, name, budget) for budget in budgets}}
        for name in ladder.activations
    ]


def deepest(ladder: Ladder, name: str, budget: float) -> int:
    """0 where no network trains with every seed."""
    cells = [cell for cell in ladder.cells if cell.budget == budget]
    trained = [each.depth for each in cells if ladder.num_trained(name, each) == len(ladder.scores(name, each))]
    return max(trained, default=0)


def policy_rows(ladder: Ladder) -> list[Context]:
    """What each policy loses to trying all, in points: on average, and in its worst cell; the best policy first."""
    table = ladder.regrets()
    policies = [column for column in table if column not in ("depth", "budget", "seed")]
    by_cell = table.groupby(["depth", "budget"])[policies].mean()
    rows = [
        {
            "policy": policy,
            "mean": by_cell[policy].mean(),
            "worst": by_cell[policy].max(),
            "cell": worst_cell(by_cell[policy]),
        }
        for policy in policies
    ]
    return sorted(rows, key=lambda row: row["mean"])


def worst_cell(losses: "pd.Series[float]") -> Cell:
    """The cell of the largest loss, of a series that is indexed by depth and budget."""
    worst = int(losses.to_numpy().argmax())
    depths, budgets = (losses.index.get_level_values(name) for name in ("depth", "budget"))
    return Cell(int(depths[worst]), float(budgets[worst]))


def control_rows(ladder: Ladder) -> list[Context]:
    """ReLU less ReLU as its own rival, by cell: what the ladder can resolve."""
    confidence = ladder.results.study.judge.confidence
    rows = []
    for cell in ladder.living:
        found = t_interval(ladder.control(cell).tolist(), 2 * confidence - 1)
        resolves = max(abs(found.low), abs(found.high))
        rows.append({"cell": cell, "difference": found.estimate, "low": found.low, "high": found.high, "by": resolves})
    return rows


def arm_rows(ladder: Ladder) -> list[Context]:
    """By arm and cell: the best of its activations on validation, in the arm and on the ladder itself."""
    rows = []
    for name, arm in ladder.results.study.ladder.arms.items():
        if len(arm.activations) < 2:
            continue
        table = ladder.arm(name)
        longest = table["budget"].max()
        for depth in sorted(table["depth"].unique()):
            own = table[(table["depth"] == depth) & (table["budget"] == longest)]
            means = own.groupby("activation")[["validation_accuracy", "test_accuracy"]].mean()
            best = str(means["validation_accuracy"].idxmax())
            cell = Cell(int(depth), float(longest))
            rows.append(
                {
                    "arm": name,
                    "cell": cell,
                    "best": best,
                    "accuracy": means.loc[best, "test_accuracy"],
                    "relu": means.loc[RELU, "test_accuracy"],
                    "ladder": ladder.best(cell, arm.activations),
                }
            )
    return rows


def verdicts_in_arms(table: pd.DataFrame) -> Context:
    """The arms' names; a row a reading that was judged in them; how many verdicts are those of the same cells."""
    names = list(dict.fromkeys(table["arm"]))
    rows = [
        {
            "id": reading,
            "on_ladder": dict(zip(of_reading["arm"], of_reading["on_ladder"], strict=True)),
            "verdicts": dict(zip(of_reading["arm"], of_reading["verdict"], strict=True)),
        }
        for reading, of_reading in table.groupby("id", sort=False)
    ]
    return {"names": names, "rows": rows, "num": len(table), "num_same": int((table["moves"] == "no").sum())}


def hasty_rows(ladder: Ladder) -> list[Context]:
    """By depth: first and last of a hasty comparison at the shortest budget, and of the fair one at the longest."""
    shortest = min(cell.budget for cell in ladder.cells)
    tuning = pd.concat([ladder.results.ladder(name, "tuning") for name in ladder.activations])
    naive = tuning[
        (tuning["budget"] == shortest)
        & (tuning["init"] == "pytorch")
        & (tuning["lr"] == HASTY_RATE)
        & (tuning["seed"] == tuning["seed"].min())
    ]
    guessing = 1 / len(ladder.results.facts("images")["class_names"])
    rows = []
    for depth in dict.fromkeys(cell.depth for cell in ladder.cells):
        ranked = naive[naive["depth"] == depth].set_index("activation")["validation_accuracy"]
        if ranked.empty:
            raise MissingResultError(f"results/ladder: expected a tuning run at {HASTY_RATE}, found none")
        longest = Cell(depth, max(cell.budget for cell in ladder.cells if cell.depth == depth))
        fair = pd.Series({name: ladder.scores(name, longest, "validation_accuracy").mean() for name in ranked.index})
        row: Context = {"depth": depth, "naive_trains": ranked.max() >= 2 * guessing}
        for kind, table in (("naive", ranked), ("fair", fair)):
            row |= {f"{kind}_first": table.idxmax(), f"{kind}_first_accuracy": table.max()}
            row |= {f"{kind}_last": table.idxmin(), f"{kind}_last_accuracy": table.min()}
        rows.append(row)
    return rows


# --- The short answer ---


def which(ladder: Ladder) -> Context:
    """What the short answer needs: the best after the longest training, where the budget matters, one for everything.

    `well_trained` has rows as `cell_rows` gives them; `after_longest` what the policies lose in these cells; `changing`
    the depths at which the best depends on the budget;
    `always` is the best policy that takes one activation everywhere, `relu` and `first` are ReLU's and the note's;
    `judged` is the verdict on the note's policy, by seeds.
    """
    rows, policies = cell_rows(ladder), policy_rows(ladder)
    longest = max(row["cell"].budget for row in rows)
    by_depth: dict[int, set[str]] = {}
    for row in rows:
        by_depth.setdefault(row["cell"].depth, set()).add(row["best"])
    by_name = {row["policy"]: row for row in policies}
    losses = ladder.regrets()
    policy_names = list(by_name)
    verdicts = ladder.results.verdicts().set_index("id")
    return {
        "well_trained": [row for row in rows if row["cell"].budget == longest],
        "longest": longest,
        "after_longest": losses[losses["budget"] == longest][policy_names].mean().to_dict(),
        "changing": [depth for depth, names in by_depth.items() if len(names) > 1],
        "always": next(row for row in policies if row["policy"].startswith("always")),
        "relu": by_name[f"always {RELU}"],
        "first": by_name["relu first"],
        "judged": verdicts.loc["ACT-16/policy"].to_dict(),
        "num_activations": len(ladder.activations),
        "margin": ladder.results.study.judge.margin,
        "confidence": ladder.results.study.judge.confidence,
        "num_seeds": len(ladder.results.study.ladder.protocol.seeds),
    }
