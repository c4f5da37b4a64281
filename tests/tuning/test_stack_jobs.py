"""What experiments that train stacks have in common."""

from dlstudy.tuning.jobs import groups_of, map_longest_first


def test_the_longest_starts_first_and_results_keep_the_order_of_the_jobs(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")
    started = []

    def run(factor, job):
        started.append(job)
        return factor * len(job)

    found = map_longest_first(run, ["aa", "a", "aaaa", "bb"], cost=len, label="test", shared=(10,))
    assert found == [20, 10, 40, 20]
    assert started == ["aaaa", "aa", "bb", "a"]


def test_seeds_are_divided_into_stacks_in_their_order():
    assert groups_of([3, 1, 2, 5, 4], 2) == [[3, 1], [2, 5], [4]]
    assert groups_of([3, 1], 5) == [[3, 1]]
