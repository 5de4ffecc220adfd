from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from molvae.errors import ConfigError
from molvae.nn import generation
from molvae.nn.generation import generate_accepted, generate_sequences
from molvae.sampling import SamplingParams
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID

N = 40


@pytest.fixture
def generate(model, monkeypatch):
    """Return a function that generates in groups of 8."""
    monkeypatch.setitem(generation.ROWS, "cpu", 8)
    codes = torch.randn(N, model.latent_dim, generator=torch.Generator().manual_seed(0))

    def call(n=N, temperature=1.0, seed=1, code_weight=None):
        generator = torch.Generator().manual_seed(seed)
        params = SamplingParams(temperature=temperature, max_length=30)
        return list(generate_sequences(model.vae.decoder, codes[:n], params, generator, code_weight))

    return call


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def expected(generate):
    return generate()


def test_the_number_of_threads_changes_nothing(expected, threads, generate):
    assert generate() == expected
    assert len(expected) == N


def test_more_codes_leave_the_first_ones_molecules_as_they_are(generate):
    assert generate(n=16, temperature=0.0) == generate(temperature=0.0)[:16]


def test_each_group_has_its_own_generator(model, monkeypatch):
    monkeypatch.setitem(generation.ROWS, "cpu", 8)
    same = torch.zeros(16, model.latent_dim)
    generated, others = (
        list(
            generate_sequences(
                model.vae.decoder, same, SamplingParams(max_length=30), torch.Generator().manual_seed(seed)
            )
        )
        for seed in (1, 2)
    )
    assert generated[:8] != generated[8:]
    assert generated != others


def test_weights_go_with_their_codes(generate):
    weight = torch.arange(N) / N
    assert generate(n=8, temperature=0.0, code_weight=weight) == generate(temperature=0.0, code_weight=weight)[:8]


def test_tokens_below_the_minimum_probability_are_not_sampled(model):
    codes = torch.zeros(64, model.latent_dim)

    def sampled(min_probability):
        params = SamplingParams(min_probability=min_probability, max_length=30)
        return list(generate_sequences(model.vae.decoder, codes, params, torch.Generator().manual_seed(1)))

    greedy = list(generate_sequences(model.vae.decoder, codes, SamplingParams(temperature=0.0, max_length=30)))
    assert sampled(0.0) != greedy
    # No two tokens have more than half each, so that only the most probable is left.
    assert sampled(0.999) == greedy
    first = [tokens[0] for tokens, _ in sampled(0.05)]
    assert set(first) < {tokens[0] for tokens, _ in sampled(0.0)}


def test_no_codes_give_no_sequences(generate):
    assert generate(n=0) == []


@pytest.fixture
def generate_below(model, monkeypatch):
    """Return a function that generates 40 sequences of at most some nll and returns them and the number of tries."""
    monkeypatch.setitem(generation.ROWS, "cpu", 8)

    def call(max_nll, n=N):
        tried = []

        def codes(n_codes):
            tried.append(n_codes)
            return torch.zeros(n_codes, model.latent_dim)

        params = SamplingParams(max_nll=max_nll, max_length=30)
        generator = torch.Generator().manual_seed(1)
        return list(generate_accepted(model.vae.decoder, codes, n, params, generator)), sum(tried)

    return call


def test_sequences_above_max_nll_are_rejected(model, generate_below):
    everything, n_tried = generate_below(torch.inf)
    assert n_tried == len(everything) == N
    accepted, n_tried = generate_below(20.0)
    assert len(accepted) == N < n_tried
    nll = {tuple(tokens): nll_of(model, tokens) for tokens in accepted + everything}
    assert max(nll[tuple(tokens)] for tokens in accepted) <= 20.01
    assert max(nll[tuple(tokens)] for tokens in everything) > 20.01


def nll_of(model, tokens):
    tokens = torch.tensor([tokens])
    logits = model.vae.logits(tokens, torch.zeros(1, model.latent_dim)).detach()
    logits[:, :, [PAD_ID, BOS_ID]] = -torch.inf
    logits[:, 0, EOS_ID] = -torch.inf
    taken = logits.log_softmax(2).gather(2, tokens[:, :, None])[:, :, 0]
    return -float(taken.masked_fill(tokens == PAD_ID, 0.0).sum())


def test_rejected_sequences_do_not_depend_on_the_number_of_threads(generate_below, threads):
    first = generate_below(20.0)
    torch.set_num_threads(2)
    assert generate_below(20.0) == first


def test_few_codes_are_drawn_at_a_time_and_change_nothing(model, generate_below, monkeypatch):
    together, n_tried = generate_below(20.0, n=50)
    monkeypatch.setattr(generation, "MAX_CODES", 16)
    drawn = []
    generate_sequences = generation.generate_sequences
    monkeypatch.setattr(
        generation,
        "generate_sequences",
        lambda d, codes, *rest: drawn.append(len(codes)) or generate_sequences(d, codes, *rest),
    )
    assert generate_below(20.0, n=50) == (together, n_tried)
    assert drawn[:4] == [16, 16, 16, 2]


def test_groups_are_not_generated_far_ahead_of_their_reader(model, monkeypatch):
    monkeypatch.setitem(generation.ROWS, "cpu", 1)
    submitted = []
    submit = ThreadPoolExecutor.submit
    monkeypatch.setattr(ThreadPoolExecutor, "submit", lambda *task: submitted.append(1) or submit(*task))
    codes, params = torch.zeros(200, model.latent_dim), SamplingParams(temperature=0.0, max_length=3)
    sequences = generate_sequences(model.vae.decoder, codes, params)
    next(sequences)
    assert len(submitted) < 20
    assert len(list(sequences)) == 199


def test_a_bound_that_nothing_is_below_is_refused(generate_below):
    with pytest.raises(ConfigError, match=r"sample.max_nll: .* found 0.001; raise it"):
        generate_below(0.001, n=200)


def test_no_sequences_are_generated_when_none_is_requested(generate_below):
    assert generate_below(20.0, n=0) == ([], 0)
