"""What the page for practitioners computes by itself."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dlstudy.report.activations import rank_correlation


@pytest.mark.parametrize("values", [[3, 1, 2, 5, 4], [1, 1, 2, 3, 3]])
def test_the_rank_correlation_is_scipys(values):
    first, second = pd.Series([1.0, 2.0, 2.0, 4.0, 5.0]), pd.Series(values, dtype=float)
    assert rank_correlation(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)


def test_where_all_are_alike_there_is_none():
    assert np.isnan(rank_correlation(pd.Series([1.0, 1.0]), pd.Series([1.0, 2.0])))
