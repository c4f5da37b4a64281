"""What the measures of linearity make of the folds."""

import pandas as pd

from dlstudy.measures.linearity import gains_of


def test_a_gain_is_in_percent_of_the_plain_models_error():
    rows = {"repeat": [1, 1, 2, 2], "fold": [1, 2, 1, 2]}
    folds = pd.DataFrame(rows | {"plane": [10.0, 8.0, 5.0, 4.0], "spline": [9.0, 6.0, 5.5, 4.0]})
    gains = gains_of(folds, "plane", "spline")
    assert (gains.values, gains.num_folds) == ((10.0, 25.0, -10.0, 0.0), 2)
