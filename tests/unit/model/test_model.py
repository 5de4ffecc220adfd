import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import molvae
from molvae import parallel
from molvae.config import StandardiseConfig
from molvae.errors import CheckpointError, ConfigError, DataError
from molvae.model.records import PriorTrial
from molvae.nn.inference import unconditional_nll
from molvae.priors import PRIORS
from molvae.sampling import SamplingParams


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model.save(path)
    return path


def test_codes_are_float32_rows_in_order(model, smiles):
    codes = model.encode(smiles[:5])
    assert codes.dtype == np.float32
    assert codes.shape == (5, model.latent_dim)
    np.testing.assert_allclose(model.encode(smiles[4::-1])[::-1], codes, atol=1e-5)


def test_a_code_does_not_depend_on_how_the_smiles_is_written(model):
    np.testing.assert_allclose(*model.encode(["c1ccccc1C(=O)O", "OC(=O)c1ccccc1"]), atol=1e-6)


def test_a_salt_is_encoded_as_the_model_was_trained(model):
    np.testing.assert_allclose(*model.encode(["CC(=O)[O-].[Na+]", "CC(=O)O"]), atol=1e-6)


@pytest.mark.parametrize("bad", ["not a molecule", "", "C1CC", "C[As](C)C"])
def test_what_cannot_be_encoded_is_a_row_of_nan(model, smiles, bad):
    codes = model.encode([smiles[0], bad, smiles[1]])
    assert np.isnan(codes[1]).all()
    assert np.isfinite(codes[[0, 2]]).all()
    assert np.isnan(model.encode([bad])).all()


def test_no_molecules_have_no_codes(model):
    assert model.encode([]).shape == (0, model.latent_dim)
    assert model.decode(np.zeros((0, model.latent_dim))) == []


def test_decoding_keeps_the_order_and_the_places_of_what_fails(model):
    z = np.random.default_rng(0).normal(size=(4, model.latent_dim))
    z[1] = np.nan
    decoded = model.decode(z)
    assert decoded[1] is None
    assert decoded[2:] == model.decode(z[2:])


def test_codes_of_another_size_are_refused(model):
    with pytest.raises(DataError, match=r"shape \(n, 8\), found \(2, 3\)"):
        model.decode(np.zeros((2, 3)))


@pytest.mark.parametrize("prior", PRIORS)
def test_samples_follow_from_the_seed(model, prior):
    first = model.sample(30, seed=5, prior=prior)
    assert len(first) == 30
    assert first == model.sample(30, seed=5, prior=prior)
    assert first != model.sample(30, seed=6, prior=prior)


def test_samples_are_canonical_molecules(model):
    from molvae.chem.molecules import canonical_smiles

    assert all(smiles == canonical_smiles(smiles) for smiles in model.sample(50, seed=0) if smiles is not None)


def test_a_temperature_of_the_prior_changes_the_samples_of_codes_only(model):
    params = {name: replace(model.sampling_params(name), prior_temperature=0.3) for name in ("normal", "decoder")}
    cooler = {name: model.sample(20, seed=1, prior=name, params=params[name]) for name in params}
    assert cooler["normal"] != model.sample(20, seed=1, prior="normal")
    assert cooler["decoder"] == model.sample(20, seed=1, prior="decoder")


def test_the_default_parameters_are_those_of_the_best_trial_of_the_prior(model, monkeypatch):
    """With a minimum probability near 1 only the most probable token is left, so that all samples are one molecule."""
    params = SamplingParams(max_length=60)
    greedy = replace(params, min_probability=0.999, max_nll=1e9)
    trials = (PriorTrial("decoder", params, 0.0, 2.0, 1500), PriorTrial("decoder", greedy, 0.1, 1.0, 1500))
    monkeypatch.setattr(model, "training", replace(model.training, trials=trials))
    assert model.sampling_params() == model.sampling_params("decoder") == greedy
    assert len(set(model.sample(20, seed=1, prior="decoder"))) == 1
    assert len(set(model.sample(20, seed=1, prior="decoder", params=params))) > 1


def test_samples_above_max_nll_are_rejected(model):
    def mean_nll(max_nll):
        sampled = model.sample(60, seed=1, params=replace(model.sampling_params(), max_nll=max_nll))
        assert len(sampled) == 60
        store, _ = model.tokenise([smiles for smiles in sampled if smiles is not None])
        return float(unconditional_nll(model.vae, store).mean())

    assert mean_nll(15.0) < mean_nll(np.inf)


def test_an_unknown_prior_is_refused_with_the_known_ones(model):
    with pytest.raises(ConfigError, match=r"normal.*'flaw'"):
        model.sample(1, seed=0, prior="flaw")


def test_an_unknown_prior_is_refused_whatever_the_parameters(model):
    with pytest.raises(ConfigError, match=r"sample\.prior: expected one of .*normal.*'flaw'"):
        model.sample(1, seed=0, prior="flaw", params=model.sampling_params())


def test_samples_do_not_depend_on_the_number_of_processes(model, monkeypatch):
    monkeypatch.setattr(parallel, "MIN_FOR_A_POOL", 1)
    monkeypatch.setattr(parallel, "CHUNK_SIZE", 8)
    assert model.sample(20, seed=1, n_jobs=2) == model.sample(20, seed=1)


def test_interpolation_begins_and_ends_at_the_molecules_as_given(model, smiles):
    assert model.decode(model.encode(smiles[:2])) != smiles[:2], "a model that reconstructs them shows nothing here"
    line = model.interpolate(smiles[0], smiles[1], steps=5)
    assert len(line) == 5
    assert [line[0], line[-1]] == smiles[:2]


def test_neighbors_are_distinct_and_not_the_molecule_itself(model, smiles):
    neighbors = model.neighbors(smiles[0], n=10, radius=1.0, seed=1)
    assert len(set(neighbors)) == len(neighbors) <= 10
    assert smiles[0] not in neighbors
    assert neighbors == model.neighbors(smiles[0], n=10, radius=1.0, seed=1)


def test_interpolation_follows_from_the_seed(model, smiles):
    assert model.interpolate(*smiles[:2], seed=3) == model.interpolate(*smiles[:2], seed=3)


def test_without_an_unconditional_decoder_lines_and_neighbors_are_decoded_plainly(model, smiles):
    plain = model.copy()
    plain.training = replace(plain.training, code_dropout=0.0)
    assert not plain.has_unconditional_decoder
    line = plain.interpolate(smiles[0], smiles[1], steps=3)
    assert [line[0], line[-1]] == smiles[:2]
    assert len(plain.neighbors(smiles[0], n=5, radius=2.0, seed=1)) > 0


def test_neighbors_of_no_molecule_are_an_error(model):
    with pytest.raises(DataError, match="expected a molecule, found 'C1CC', which RDKit cannot read"):
        model.neighbors("C1CC", n=3, radius=0.5, seed=1)


def test_an_unknown_token_is_named_with_the_models_that_know_it(model):
    with pytest.raises(DataError, match=r"found \[I\] in 'CCI'; use zinc250k, or train on molecules like it"):
        model.interpolate("CCI", "CCO")
    with pytest.raises(DataError, match=r"found \[As\] in 'C\[As\]\(C\)C'; train on"):
        model.neighbors("C[As](C)C", n=3, radius=0.5, seed=1)


def test_the_anomaly_score_distinguishes_unknown_tokens_from_invalid_smiles(model, smiles):
    known, unknown_token, nonsense = model.anomaly_score([smiles[0], "C[As](C)C", "C1CC"])
    assert 0 < known < 10
    assert unknown_token == np.inf
    assert np.isnan(nonsense)


def test_a_saved_model_loads_and_does_the_same(model, folder, smiles, tmp_path):
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    loaded = molvae.load(moved, "cpu")
    np.testing.assert_array_equal(loaded.encode(smiles[:9]), model.encode(smiles[:9]))
    for prior in model.priors:
        assert loaded.sample(9, seed=1, prior=prior) == model.sample(9, seed=1, prior=prior)
    assert loaded.generation == model.generation
    assert loaded.training == model.training
    modes = {path.stat().st_mode for path in moved.iterdir()}
    assert len(modes) == 1


def test_saving_twice_gives_the_same_bytes(model, folder, tmp_path):
    model.save(tmp_path / "again")
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocabulary.json"])
def test_a_missing_part_is_named(folder, tmp_path, name):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / name).unlink()
    with pytest.raises(DataError, match=name):
        molvae.load(broken)


def test_parts_that_do_not_fit_are_refused(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    config = json.loads((broken / "config.json").read_text())
    config["model"]["latent_dim"] += 1
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="do not fit"):
        molvae.load(broken)


def test_a_cut_weights_file_is_refused(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError):
        molvae.load(broken)


def test_a_model_uses_its_own_constraints_and_leaves_those_of_the_process_alone(tmp_path, model):
    import selfies

    strict = model.copy()
    strict.standardisation = StandardiseConfig(selfies_constraints="octet_rule")
    strict.save(tmp_path / "model")
    loaded = molvae.load(tmp_path / "model", "cpu")
    assert loaded.standardisation.selfies_constraints == "octet_rule"
    sulfone = "CS(C)(=O)=O"
    assert np.isnan(loaded.encode([sulfone])).all()
    assert len(model.tokenise([sulfone])[1]) == len(loaded.tokenise([sulfone])[1]) + 1
    assert loaded.decode(np.zeros((1, model.latent_dim)))
    assert selfies.get_semantic_constraints() == selfies.get_preset_constraints("default")


# RDKit takes far longer than the limit to make each canonical.
SLOW = ["C" + ".C" * 4000, ".".join(["C1CC1"] * 1500)]


@pytest.mark.timeout(60)
def test_a_molecule_that_takes_too_long_is_not_encoded_and_costs_no_other(model, smiles, monkeypatch):
    monkeypatch.setattr("molvae.model.reading.TIME_LIMIT_S", 0.5)
    codes = model.encode([smiles[0], SLOW[0], smiles[1], SLOW[1], "C" * 501])
    assert np.isfinite(codes).all(axis=1).tolist() == [True, False, True, False, np.isfinite(codes[4]).all()]
    np.testing.assert_allclose(codes[[0, 2]], model.encode(smiles[:2]), atol=1e-6)
    scores = model.anomaly_score([smiles[0], SLOW[0]])
    assert np.isnan(scores).tolist() == [False, True]
