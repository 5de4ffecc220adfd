import pytest
import torch

from molvae.errors import ConfigError
from molvae.nn import generation
from molvae.nn.generation import generate_accepted, generate_sequences
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID

N = 40


@pytest.fixture
def write(model, monkeypatch):
    """Return a function that writes in groups of 8."""
    monkeypatch.setitem(generation.ROWS, "cpu", 8)
    codes = torch.randn(N, model.latent_dim, generator=torch.Generator().manual_seed(0))

    def call(n=N, temperature=1.0, seed=1, code_weight=None):
        generator = torch.Generator().manual_seed(seed)
        return list(generate_sequences(model.vae.decoder, codes[:n], 30, temperature, generator, code_weight))

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
    monkeypatch.setitem(generation.ROWS, "cpu", 8)
    same = torch.zeros(16, model.latent_dim)
    written, others = (
        list(generate_sequences(model.vae.decoder, same, 30, 1.0, torch.Generator().manual_seed(seed)))
        for seed in (1, 2)
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
        return list(generate_sequences(model.vae.decoder, codes, 30, 1.0, chance, min_probability=min_probability))

    greedy = list(generate_sequences(model.vae.decoder, codes, 30))
    assert drawn(0.0) != greedy
    # No two tokens have more than half each, so that only the likeliest is left.
    assert drawn(0.999) == greedy
    first = [tokens[0] for tokens, _ in drawn(0.05)]
    assert set(first) < {tokens[0] for tokens, _ in drawn(0.0)}


def test_no_codes_are_no_molecules(write):
    assert write(n=0) == []


@pytest.fixture
def write_under(model, monkeypatch):
    """Return a function that writes 40 sequences of at most some nats, in groups of 8, and says how many were tried."""
    monkeypatch.setitem(generation.ROWS, "cpu", 8)

    def call(max_nll, n=N):
        tried = []

        def codes(wanted):
            tried.append(wanted)
            return torch.zeros(wanted, model.latent_dim)

        chance = torch.Generator().manual_seed(1)
        return list(generate_accepted(model.vae.decoder, codes, n, 30, 1.0, chance, 0.0, max_nll)), sum(tried)

    return call


def test_sequences_that_are_unlikely_are_written_again(model, write_under):
    everything, n_tried = write_under(torch.inf)
    assert n_tried == len(everything) == N
    likely, n_tried = write_under(20.0)
    assert len(likely) == N < n_tried
    nll = {tuple(tokens): nats_of(model, tokens) for tokens in likely + everything}
    assert max(nll[tuple(tokens)] for tokens in likely) <= 20.01
    assert max(nll[tuple(tokens)] for tokens in everything) > 20.01


def nats_of(model, tokens):
    tokens = torch.tensor([tokens])
    logits = model.vae.logits(tokens, torch.zeros(1, model.latent_dim)).detach()
    logits[:, :, [PAD_ID, BOS_ID]] = -torch.inf
    logits[:, 0, EOS_ID] = -torch.inf
    taken = logits.log_softmax(2).gather(2, tokens[:, :, None])[:, :, 0]
    return -float(taken.masked_fill(tokens == PAD_ID, 0.0).sum())


def test_unlikely_sequences_do_not_depend_on_the_number_of_threads(write_under, threads):
    first = write_under(20.0)
    torch.set_num_threads(2)
    assert write_under(20.0) == first


def test_a_bound_that_nothing_is_under_is_refused(write_under):
    with pytest.raises(ConfigError, match=r"sample.max_nll: .* found 0.001; raise it"):
        write_under(0.001, n=200)


def test_no_sequences_are_written_when_none_is_wanted(write_under):
    assert write_under(20.0, n=0) == ([], 0)
