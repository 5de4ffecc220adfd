import pytest
import torch

from molvae.nn import writing
from molvae.nn.writing import write_many

N = 40


@pytest.fixture
def write(model, monkeypatch):
    """Return a function that writes in groups of 8."""
    monkeypatch.setitem(writing.ROWS, "cpu", 8)
    codes = torch.randn(N, model.latent_dim, generator=torch.Generator().manual_seed(0))

    def call(n=N, temperature=1.0, seed=1, code_weight=None):
        generator = torch.Generator().manual_seed(seed)
        return list(write_many(model.vae.decoder, codes[:n], 30, temperature, generator, code_weight))

    return call


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def expected(write):
    return write()


def test_the_number_of_threads_changes_nothing(expected, threads, write):
    assert write() == expected
    assert len(expected) == N


def test_more_codes_leave_the_first_ones_molecules_as_they_are(write):
    assert write(n=16, temperature=0.0) == write(temperature=0.0)[:16]


def test_each_group_has_its_own_chance(model, monkeypatch):
    monkeypatch.setitem(writing.ROWS, "cpu", 8)
    same = torch.zeros(16, model.latent_dim)
    written, others = (
        list(write_many(model.vae.decoder, same, 30, 1.0, torch.Generator().manual_seed(seed))) for seed in (1, 2)
    )
    assert written[:8] != written[8:]
    assert written != others


def test_weights_go_with_their_codes(write):
    weight = torch.arange(N) / N
    assert write(n=8, temperature=0.0, code_weight=weight) == write(temperature=0.0, code_weight=weight)[:8]


def test_tokens_below_the_least_probability_are_not_drawn(model, write):
    codes = torch.zeros(64, model.latent_dim)

    def drawn(min_probability):
        chance = torch.Generator().manual_seed(1)
        return list(write_many(model.vae.decoder, codes, 30, 1.0, chance, min_probability=min_probability))

    greedy = list(write_many(model.vae.decoder, codes, 30))
    assert drawn(0.0) != greedy
    # No two tokens have more than half each, so that only the likeliest is left.
    assert drawn(0.999) == greedy
    first = [row[0] for row in drawn(0.05)]
    assert set(first) < {row[0] for row in drawn(0.0)}


def test_no_codes_are_no_molecules(write):
    assert write(n=0) == []
