import pytest
from pydantic import ValidationError

from dlstudy.experiments.ladder import climbing
from dlstudy.experiments.ladder.climbing import ladder
from dlstudy.experiments.ladder.params import Arm, LadderParams, Protocol
from dlstudy.tuning import jobs
from dlstudy.tuning.jobs import Memo
from dlstudy.tuning.stacks import Member, scores_on_test, train_stack

CONTENT = {
    "depths": [1, 2, 3],
    "budgets": [1.0, 2.0, 4.0],
    "short_depths": [3],
    "width": 8,
    "batch_size": 20,
    "learning_rates": [0.1, 0.316, 1.0],
    "inits": ["matching", "pytorch"],
    "tuning_seeds": [100, 101],
    "seeds": [0, 1, 2],
    "stack_size": 2,
}
PROTOCOL = Protocol.model_validate(CONTENT)
CELLS = [(1, 1.0), (1, 2.0), (1, 4.0), (2, 1.0), (2, 2.0), (2, 4.0), (3, 1.0), (3, 2.0)]


@pytest.fixture
def one_process(monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "1")


@pytest.fixture(scope="module")
def tables(pixels, memo):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLSTUDY_PROCESSES", "1")
        return ladder(pixels, memo, "relu", PROTOCOL, "relu")


def cells_of(table):
    return list(dict.fromkeys(table[["depth", "budget"]].itertuples(index=False, name=None)))


def test_every_cell_is_trained_with_every_seed_in_sorted_order(tables):
    rows = tables["per_seed"][["depth", "budget", "seed"]].itertuples(index=False, name=None)
    assert list(rows) == [(*cell, seed) for cell in CELLS for seed in PROTOCOL.seeds]
    assert cells_of(tables["chosen"]) == cells_of(tables["tuning"]) == CELLS


def test_the_choice_has_the_best_mean_of_the_tuning_seeds_and_both_its_neighbours_were_tried(tables):
    tuning = tables["tuning"]
    assert set(tuning["seed"]) == set(PROTOCOL.tuning_seeds)
    for chosen in tables["chosen"].itertuples():
        tried = tuning[(tuning["depth"] == chosen.depth) & (tuning["budget"] == chosen.budget)]
        means = tried.groupby(["init", "lr"])["validation_accuracy"].mean()
        assert len(means) == chosen.num_configurations
        assert means[chosen.init, chosen.lr] == pytest.approx(chosen.validation_accuracy)
        if chosen.trains:
            assert means.max() == pytest.approx(chosen.validation_accuracy)
            assert not chosen.at_edge
            rates = means.loc[chosen.init].index
            assert rates.min() < chosen.lr < rates.max()


def test_a_row_is_what_training_that_network_alone_gives_to_the_last_digit(tables, pixels):
    row = tables["per_seed"].query("depth == 2 and budget == 2 and seed == 1").iloc[0]
    recipe = climbing.networks_of(pixels, None, "relu", PROTOCOL, "relu").recipe_of(climbing.Cell(2, 2.0))
    init = {"matching": "he", "pytorch": "pytorch"}[row["init"]]
    stack = train_stack(pixels, recipe, [Member(1, init, row["lr"])])
    assert row["test_accuracy"] == scores_on_test(stack, pixels)[0].accuracy


@pytest.mark.usefixtures("one_process")
def test_what_was_trained_is_not_trained_again(tables, pixels, memo, monkeypatch):
    def train_nothing(*args):
        raise AssertionError("trained again")

    monkeypatch.setattr(jobs, "validation_job", train_nothing)
    monkeypatch.setattr(climbing, "confirming_job", train_nothing)
    again = ladder(pixels, memo, "relu", PROTOCOL, "relu")
    assert all(again[name].equals(table) for name, table in tables.items())


@pytest.mark.usefixtures("one_process")
def test_another_budget_trains_that_budget_only(tables, pixels, memo, monkeypatch):
    trained = []
    whole = climbing.confirming_job

    def noted(images, job):
        trained.append((len(job.recipe.hidden), job.recipe.num_epochs))
        return whole(images, job)

    monkeypatch.setattr(climbing, "confirming_job", noted)
    protocol = Protocol.model_validate(CONTENT | {"budgets": [1.0, 2.0, 4.0, 5.0], "short_depths": [3]})
    longer = ladder(pixels, memo, "relu", protocol, "relu")
    assert set(trained) == {(1, 5.0), (2, 5.0), (3, 4.0)}  # the short depth now goes up to 4
    common = longer["per_seed"].merge(tables["per_seed"])
    assert len(common) == len(tables["per_seed"])


@pytest.mark.usefixtures("one_process")
def test_a_training_that_was_interrupted_goes_on_where_it_stopped(pixels, tmp_path, monkeypatch):
    whole, finished = jobs.validation_job, []

    def killed_at_the_third(images, job):
        if len(finished) == 2:
            raise KeyboardInterrupt
        finished.append(job)
        return whole(images, job)

    protocol = Protocol.model_validate(CONTENT | {"depths": [1], "budgets": [1.0], "short_depths": []})
    memo = Memo.of(tmp_path, pixels)
    monkeypatch.setattr(jobs, "validation_job", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        ladder(pixels, memo, "tanh", protocol, "tanh")
    monkeypatch.setattr(jobs, "validation_job", lambda images, job: finished.append(job) or whole(images, job))
    resumed = ladder(pixels, memo, "tanh", protocol, "tanh")
    assert len({(job.recipe, job.members) for job in finished}) == len(finished)  # none twice
    fresh = ladder(pixels, Memo.of(tmp_path / "other", pixels), "tanh", protocol, "tanh")
    assert all(fresh[name].equals(table) for name, table in resumed.items())


def test_results_do_not_depend_on_the_number_of_processes(pixels, tmp_path, tables, monkeypatch):
    monkeypatch.setenv("DLSTUDY_PROCESSES", "2")
    found = ladder(pixels, Memo.of(tmp_path / "none", pixels), "relu", PROTOCOL, "relu")
    assert all(found[name].equals(table) for name, table in tables.items())


def test_a_memo_is_of_its_data_and_code(pixels, tmp_path, monkeypatch):
    origin = Memo.of(tmp_path, pixels).origin
    assert Memo.of(tmp_path, pixels).origin == origin
    monkeypatch.setenv("DLSTUDY_ARITHMETIC", "native")
    assert Memo.of(tmp_path, pixels).origin != origin


def test_an_arm_changes_what_it_names_and_nothing_else():
    arm = Arm.model_validate({"activations": ["relu"], "depths": [1, 2], "budgets": [1.0], "width": 16})
    assert arm.protocol(PROTOCOL) == Protocol.model_validate(
        CONTENT | {"depths": [1, 2], "budgets": [1.0], "short_depths": [], "width": 16}
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"short_depths": [4]}, r"expected short_depths that are depths, found \[4\] beside \[1, 2, 3\]"),
        ({"tuning_seeds": [0, 100]}, r"expected tuning_seeds that are not among seeds, which evaluate, found \[0\]"),
        ({"learning_rates": [0.1, 0.2, 0.3]}, "such as 0.178, found 0.2"),
        ({"inits": ["he", "he"]}, "expected each name once"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(change, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Protocol.model_validate(CONTENT | change)


def test_an_arm_that_does_not_fit_the_protocol_is_refused():
    content = {"activations": ["relu"], "protocol": CONTENT, "thresholds": {"trainable": 0.8}}
    with pytest.raises(ValidationError, match="not among seeds"):
        LadderParams.model_validate(content | {"arms": {"again": {"activations": ["relu"], "tuning_seeds": [0]}}})
