"""Results for and against the claims of softmax and of calibration."""

from dataclasses import replace

import pandas as pd

from tests.measures.support import Case, Tables

EXPERIMENT = "softmax_identities"
MODELS = list(Tables().classifiers())
NETWORKS = list(Tables().study.vision)  # trained with fewer seeds
LINEAR = list(Tables().classifiers(hidden=False))
FACTS = {
    "confidence": 0.99,
    "example_probability": 0.9999,
}
SEEDS = range(10)


def experiment(**tables: pd.DataFrame) -> Tables:
    return Tables(
        experiments={(EXPERIMENT, name): table for name, table in tables.items()}, facts_of={EXPERIMENT: FACTS}
    )


# --- SOFT-1 ---


def example(probability: float) -> Tables:
    return Tables(facts_of={EXPERIMENT: FACTS | {"example_probability": probability}})


def ratio(*probabilities: float) -> Tables:
    scales = pd.DataFrame({"largest": [0.1, 1.0, 10.0], "probability": probabilities})
    return replace(calibrated(), experiments={(EXPERIMENT, "scales"): scales}, facts_of={EXPERIMENT: FACTS})


def shifted(example_change: float, trained_change: float) -> Tables:
    rows = [("the note's example", 1000, example_change)] + [(f"seed {seed}", 1000, trained_change) for seed in SEEDS]
    return experiment(shifts=pd.DataFrame(rows, columns=["outputs", "shift", "change"]))


# --- SOFT-2 and SOFT-4 ---

LIMITS = pd.DataFrame(
    [(kind, limit, 100.0, 100.0) for kind in ("float32", "float64") for limit in ("overflow", "vanishing")],
    columns=["format", "limit", "predicted", "measured"],
)


def huge(probability: float = 0.0, defined: int = 1) -> Tables:
    rows = [
        (kind, position, output, probability if position == 2 else 0.5, 1 if position == 2 else defined)
        for kind in ("float32", "float64")
        for position, output in enumerate((1000, 10, 1000), start=1)
    ]
    columns = ["format", "position", "output", "probability", "defined_as_written"]
    return experiment(huge=pd.DataFrame(rows, columns=columns), limits=LIMITS)


def trained(num_zero: int = 0, num_moved: int = 0, two_class: float = 1e-16) -> pd.DataFrame:
    """What holds of the trained logits of ten seeds; the last seed is the one that may differ."""
    table = pd.DataFrame({"seed": SEEDS, "num_images": 100, "smallest": 1e-19, "log_error": 1e-9})
    return table.assign(
        num_zero=[0] * 9 + [num_zero], num_moved=[0] * 9 + [num_moved], two_class=[1e-16] * 9 + [two_class]
    )


def log_probabilities(error: float) -> Tables:
    rows = [(1e3, 1, -0.69, -0.69, 1e-16), (1e3, 2, -990.7, -990.7, 1e-16), (1e6, 1, -0.69, -0.69, error)]
    table = pd.DataFrame(rows, columns=["largest", "position", "exact", "computed", "error"])
    return experiment(log_probabilities=table, trained=trained())


def sums(error: float) -> Tables:
    rows = [(name, kind, 1e-16) for name in ("seed 0", "seed 1", "extreme outputs") for kind in ("float32", "float64")]
    table = pd.DataFrame(rows, columns=["outputs", "format", "error"])
    return experiment(sums=table.assign(error=[error, *table["error"][1:]]))


def gaps(probability: float, num_zero: int = 0) -> Tables:
    rows = [("float32", 1.0, 0.27), ("float32", 200.0, probability), ("float64", 1.0, 0.27), ("float64", 200.0, 1e-87)]
    table = pd.DataFrame(rows, columns=["format", "gap", "probability"])
    return experiment(gaps=table, limits=LIMITS, trained=trained(num_zero=num_zero))


# --- SOFT-5 ---


def calibrated(
    *, worst: str = MODELS[-1], ece: float = 0.01, ece_scaled: float = 0.008, spread: float = 1e-3
) -> Tables:
    """Calibrated classifiers; the worst one has the errors that are given, which its seeds spread evenly about."""
    models = {}
    for model in [*MODELS, *NETWORKS]:
        means = (ece, ece_scaled) if model == worst else (0.01, 0.008)
        errors = {
            name: [mean + spread * (2 * seed / 9 - 1) for seed in SEEDS]
            for name, mean in zip(("ece", "ece_scaled"), means, strict=True)
        }
        models[model, "calibration"] = pd.DataFrame(
            {
                "seed": SEEDS,
                "temperature": 1.1,
                "nll": 0.4,
                "nll_scaled": 0.39,
                "chance_ece_scaled": 0.007,
                **errors,
                "logit_smallest": -20.0,
                "logit_top": 9.0,
                "logit_largest": 20.0,
                "gap": 3.0,
            }
        )
        models[model, "reliability"] = pd.DataFrame(
            {"logits": ["trained", "scaled"], "low": 0.8, "high": 0.9, "num": 10, "confidence": 0.85, "accuracy": 0.8}
        )
        if model in NETWORKS:
            models[model, "calibration"] = models[model, "calibration"].head(2)
    return Tables(models=models)


CASES = {
    "SOFT-1/example": Case(example(0.9999), example(0.99)),
    "SOFT-1/ratio": Case(ratio(0.991, 0.995, 0.999), ratio(0.99, 0.995, 0.999)),
    "SOFT-1/difference": Case(shifted(0.0, 1e-14), shifted(0.0, 1e-11)),
    "SOFT-2/confidence": Case(huge(), huge(probability=1e-5)),
    "SOFT-2/naive": Case(huge(), huge(defined=0)),
    "SOFT-2/stable": Case(log_probabilities(1e-16), log_probabilities(1e-11)),
    "SOFT-4/sum": Case(sums(1e-7), sums(1e-5)),
    "SOFT-4/positive": Case(gaps(1e-40), gaps(0.0)),
    "SOFT-4/in_use": Case(experiment(trained=trained()), experiment(trained=trained(num_zero=1))),
    "SOFT-4/order": Case(experiment(trained=trained()), experiment(trained=trained(num_moved=1))),
    "SOFT-4/two_class": Case(experiment(trained=trained()), experiment(trained=trained(two_class=1e-11))),
    "SOFT-5/linear": Case(calibrated(worst=LINEAR[0]), calibrated(worst=LINEAR[0], ece=0.03)),
    "SOFT-5/mlp": Case(calibrated(), calibrated(ece=0.02, spread=0.01), "inconclusive"),
    "SOFT-5/scaled": Case(calibrated(ece=0.5), calibrated(ece_scaled=0.03)),
}
