import numpy as np
import pytest
import torch

import molvae
from molvae.config import StandardiseConfig
from molvae.errors import ConfigError, DataError
from molvae.model.model import MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.nn.vae import VAE
from molvae.train import train
from molvae.train.start import PER_TOKEN, starting_point
from molvae.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def base(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "model"
    model.save(folder)
    return folder


@pytest.fixture
def further(base, small_train_config):
    return lambda **settings: small_train_config.model_copy(update={"init_from": str(base), **settings})


@pytest.fixture
def more_tokens(vocabulary):
    return Vocabulary((*vocabulary.tokens[:5], "[Xe]", "[Kr]"))


def test_the_weights_are_taken_over(further, model, vocabulary):
    start = starting_point(further(), vocabulary, StandardiseConfig(), 1)
    assert start.vocabulary == model.vocabulary
    for name, weight in start.vae.state_dict().items():
        assert torch.equal(weight, model.vae.state_dict()[name]), name


def test_new_tokens_come_after_the_known_ones_and_change_little(further, model, more_tokens, store):
    start = starting_point(further(), more_tokens, StandardiseConfig(), 1)
    n_known = len(model.vocabulary)
    assert start.vocabulary.tokens == (*model.vocabulary.tokens, "[Xe]", "[Kr]")
    token_ids, lengths = store.batch(np.arange(20))
    vae = start.vae.eval()
    with torch.no_grad():
        mu, _ = vae.encode(token_ids, lengths)
        torch.testing.assert_close(mu, model.vae.encode(token_ids, lengths)[0])
        before = model.vae.logits(token_ids, mu).log_softmax(2)
        after = vae.logits(token_ids, mu).log_softmax(2)
    assert after[..., n_known:].exp().mean() < 1.0 / n_known
    # The new tokens take from all known ones alike.
    torch.testing.assert_close(after[..., :n_known] - after[..., :1], before - before[..., :1], atol=1e-4, rtol=1e-4)


def test_the_architecture_is_the_models(further, vocabulary):
    # At its default, a setting asks for nothing.
    start = starting_point(further(latent_dim=64), vocabulary, StandardiseConfig(), 1)
    assert start.vae.config.latent_dim == start.config.latent_dim == 8
    with pytest.raises(ConfigError, match=r"train\.latent_dim: expected 8, as in the model .* found 9"):
        starting_point(further(latent_dim=9), vocabulary, StandardiseConfig(), 1)


def test_dropout_is_the_settings_own(further, vocabulary):
    start = starting_point(further(dropout=0.1), vocabulary, StandardiseConfig(), 1)
    assert start.vae.config.dropout == 0.1


def test_other_selfies_constraints_are_refused(further, vocabulary):
    with pytest.raises(ConfigError, match="selfies_constraints: expected 'default'"):
        starting_point(further(), vocabulary, StandardiseConfig(selfies_constraints="octet_rule"), 1)


def test_a_model_that_does_not_exist_is_refused(further, vocabulary):
    with pytest.raises(DataError, match="nowhere: expected a model's folder"):
        starting_point(further(init_from="nowhere"), vocabulary, StandardiseConfig(), 1)


def test_a_trained_model_is_trained_further(further, base, prepared, tmp_path, smiles):
    train(prepared, tmp_path, further(epochs=1, learning_rate=1e-9, replay=0.3), seed=1, device="cpu")
    trained, before = molvae.load(tmp_path / "model", "cpu"), molvae.load(base, "cpu")
    assert trained.training.init_from == str(base)
    np.testing.assert_allclose(trained.encode(smiles[:5]), before.encode(smiles[:5]), atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"batch_size": 2}, "batch_size 2, code_dropout 0.25; raise"),
        ({"batch_size": 1, "code_dropout": 0.9}, "batch_size 1, code_dropout 0.9; raise"),
        ({"init_from": "base", "replay": 0.95}, "batch_size 32, code_dropout 0.25, replay 0.95; raise"),
    ],
)
def test_steps_too_small_to_train_the_unconditional_decoder_are_refused(
    small_train_config, base, vocabulary, settings, found
):
    config = small_train_config.model_copy(update=settings | ({"init_from": str(base)} if "replay" in settings else {}))
    message = f"train: expected at least one molecule of a step to be decoded unconditionally, found none with {found}"
    with pytest.raises(ConfigError, match=message):
        starting_point(config, vocabulary, StandardiseConfig(), 1)


@pytest.mark.parametrize(
    "settings", [{"batch_size": 3}, {"batch_size": 1, "code_dropout": 0.0}, {"batch_size": 3, "replay": 0.95}]
)
def test_small_steps_are_accepted_where_some_molecule_or_none_should_be_unconditional(
    small_train_config, vocabulary, settings
):
    start = starting_point(small_train_config.model_copy(update=settings), vocabulary, StandardiseConfig(), 1)
    assert start.config.batch_size == settings["batch_size"]


@pytest.fixture
def averaged(further, prepared, tmp_path):
    """Return a function that gives the weights after a training, without and with a mean with those before."""

    def weights(start_weight, settings):
        out = tmp_path / f"{start_weight}"
        train(prepared, out, further(epochs=1, start_weight=start_weight, **settings), seed=1, device="cpu")
        return molvae.load(out / "model", "cpu").vae.state_dict()

    return lambda **settings: (weights(0.0, settings), weights(0.25, settings))


def test_the_outcome_is_a_mean_with_the_weights_before(averaged, base):
    (trained, mean), before = averaged(), molvae.load(base, "cpu").vae.state_dict()
    assert not all(torch.equal(trained[name], before[name]) for name in trained)
    for name in trained:
        torch.testing.assert_close(mean[name], 0.75 * trained[name] + 0.25 * before[name])


def test_what_the_model_did_not_have_is_not_averaged(averaged, model, tmp_path):
    """A head, and the rows of its last token, which a model knows that is trained further without them."""
    n_known = len(model.vocabulary) - 1
    before = {
        name: weight[:n_known] if name in PER_TOKEN else weight for name, weight in model.vae.state_dict().items()
    }
    vae = VAE(model.vae.config, n_known)
    vae.load_state_dict(before)
    fewer = Vocabulary(model.vocabulary.tokens[:n_known])
    parts = (model.priors, model.generation, StandardiseConfig(), model.training)
    MolVAE(vae, fewer, *parts).save(tmp_path / "fewer")
    trained, mean = averaged(init_from=str(tmp_path / "fewer"), property_head={"logp": 1.0}, learning_rate=0.05)
    for name in PER_TOKEN:
        assert torch.equal(mean[name][n_known:], trained[name][n_known:])
        torch.testing.assert_close(mean[name][:n_known], 0.75 * trained[name][:n_known] + 0.25 * before[name])
    head = [name for name in trained if name not in before]
    assert len(head) == 4
    assert all(torch.equal(mean[name], trained[name]) for name in head)


def test_a_head_that_is_kept_is_averaged(averaged, model, small_train_config, vocabulary, tmp_path):
    config = small_train_config.model_copy(update={"property_head": {"logp": 1.0}})
    vae = starting_point(config, vocabulary, StandardiseConfig(), 3).vae
    scales = (PropertyScale("logp", "", 2.0, 1.5),)
    parts = (model.priors, model.generation, StandardiseConfig(), model.training)
    MolVAE(vae, vocabulary, *parts, scales).save(tmp_path / "model")
    trained, mean = averaged(init_from=str(tmp_path / "model"), property_head={"logp": 1.0})
    name = "property_head.0.weight"
    torch.testing.assert_close(mean[name], 0.75 * trained[name] + 0.25 * vae.state_dict()[name])


def test_a_head_goes_along_when_its_properties_are_asked_for(model, small_train_config, vocabulary, tmp_path):
    config = small_train_config.model_copy(update={"property_head": {"logp": 1.0}})
    vae = starting_point(config, vocabulary, StandardiseConfig(), 3).vae
    scales = (PropertyScale("logp", "", 2.0, 1.5),)
    MolVAE(vae, vocabulary, model.priors, model.generation, StandardiseConfig(), model.training, scales).save(
        tmp_path / "model"
    )
    further = config.model_copy(update={"init_from": str(tmp_path / "model")})
    start = starting_point(further, vocabulary, StandardiseConfig(), 1)
    assert start.scales == scales
    assert torch.equal(start.vae.property_head[0].weight, vae.property_head[0].weight)
    other = starting_point(
        further.model_copy(update={"property_head": {"qed": 1.0, "logp": 1.0}}), vocabulary, StandardiseConfig(), 1
    )
    assert other.scales == ()
    assert other.vae.property_head[3].weight.shape[0] == 2
    without = starting_point(further.model_copy(update={"property_head": {}}), vocabulary, StandardiseConfig(), 1)
    assert without.vae.property_head is None
