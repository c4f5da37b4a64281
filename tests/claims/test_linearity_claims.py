"""What the claims of linearity make of the folds."""

import pandas as pd

from dlstudy.claims.linearity import gains_of


def test_a_gain_is_in_percent_of_the_plain_models_error_by_repeat():
    folds = pd.DataFrame({"repeat": [1, 1, 2], "plane": [10.0, 8.0, 5.0], "spline": [9.0, 6.0, 5.5]})
    assert gains_of(folds, "plane", "spline") == {"repeat 1": [10.0, 25.0], "repeat 2": [-10.0]}
