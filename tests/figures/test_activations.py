"""The drawn slopes are those of the drawn functions."""

import numpy as np

from dlstudy.figures.activations import INPUTS, curves


def test_slopes_are_the_differences_of_the_values():
    away_from_the_kink = np.abs(INPUTS) > 0.02
    for values, slope in curves(INPUTS).values():
        # Central differences at a spacing of 0.01 are within 1e-5 of smooth slopes below 1.
        np.testing.assert_allclose(
            np.gradient(values, INPUTS)[away_from_the_kink][1:-1], slope[away_from_the_kink][1:-1], atol=1e-4
        )
