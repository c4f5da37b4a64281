import torch
from hypothesis import given
from hypothesis import strategies as st

from dlstudy.core.base.randomness import generator

SEEDS = st.integers(0, 2**100)  # beyond PyTorch's own 64 bits
PURPOSES = st.text(min_size=1, max_size=20)


def first_draws(seed: int, purpose: str) -> list[int]:
    """64 bits: two streams that differ agree on all of them once in 10^19 times."""
    return torch.randint(2**32, (2,), generator=generator(seed, purpose)).tolist()


@given(SEEDS, PURPOSES)
def test_a_stream_repeats_with_its_seed_and_purpose(seed, purpose):
    assert first_draws(seed, purpose) == first_draws(seed, purpose)


@given(SEEDS, PURPOSES, PURPOSES)
def test_purposes_have_streams_of_their_own(seed, purpose, other):
    assert (first_draws(seed, purpose) == first_draws(seed, other)) == (purpose == other)


@given(SEEDS, SEEDS, PURPOSES)
def test_seeds_have_streams_of_their_own(seed, other, purpose):
    assert (first_draws(seed, purpose) == first_draws(other, purpose)) == (seed == other)


def test_the_global_stream_is_left_alone():
    before = torch.get_rng_state()
    first_draws(0, "weights")
    assert torch.equal(torch.get_rng_state(), before)
