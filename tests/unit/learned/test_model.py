import numpy as np
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.errors import ConfigError
from molvae.learned import Measurements, fit, load
from molvae.learned.regressors import REGRESSORS
from molvae.learned.validation import make_folds
from tests.fixtures.property_head import with_head


@pytest.fixture(scope="module")
def new(smiles):
    return smiles[120:300]


@pytest.fixture(scope="module")
def logp(new):
    noise = np.random.default_rng(1).normal(0.0, 0.2, len(new))
    return compute_properties(new, ["logp"])["logp"].to_numpy() + noise


def test_new_molecules_are_predicted(learned, new, logp):
    prediction = learned.predict(new)
    assert np.corrcoef(prediction.mean, logp)[0, 1] > 0.7


@pytest.mark.timeout(60)
def test_a_molecule_that_takes_too_long_has_no_prediction_and_costs_no_other(learned, new, monkeypatch):
    monkeypatch.setattr("molvae.learned.forms.TIME_LIMIT_S", 0.5)
    prediction = learned.predict([new[0], "C" + ".C" * 4000, "C" * 5000, new[1]])
    assert np.isnan(prediction.mean).tolist()[:2] == [False, True]
    assert np.array_equal(prediction.mean[[0, 3]], learned.predict(new[:2]).mean)


def test_a_long_molecule_is_predicted(learned):
    peptide = "O" + "C(=O)[C@H](C)N" * 60
    assert np.isfinite(learned.predict([peptide]).mean).all()


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_intervals_cover_new_values_as_asked(learned, new, logp, coverage):
    prediction = learned.predict(new, coverage)
    covered = np.mean((prediction.low <= logp) & (logp <= prediction.high))
    assert abs(covered - coverage) < 0.12


def test_the_one_of_the_least_scaffold_rmse_is_kept(learned):
    validation = learned.validation
    assert validation.split == "scaffold"
    assert validation.errors.rmse == min(candidate.scaffold.rmse for candidate in validation.candidates)
    assert {candidate.name for candidate in validation.candidates} == {"gaussian_process", "extra_trees"}


def test_a_trained_model_lets_its_codes_compete(measurements, model, tmp_path):
    learned = fit(measurements, seed=1, model=model)
    assert [c.name for c in learned.validation.candidates].count("latent_gaussian_process") == 1


@pytest.mark.parametrize("name", ["logP", "LogP"])
def test_a_model_that_was_trained_on_the_column_is_refused(measurements, model, name):
    with pytest.raises(ConfigError, match=f"expected a model that was not trained on 'logP', found '{name}'"):
        fit(measurements, seed=1, model=with_head(model, name))


def test_a_measured_molecule_is_its_own_nearest(learned, measurements):
    prediction = learned.predict([measurements.smiles[3]])
    assert prediction.nearest == [measurements.smiles[3]]
    assert prediction.nearest_value[0] == measurements.values[3]
    assert prediction.nearest_similarity[0] == 1.0
    assert prediction.in_domain[0]


def test_what_is_unlike_all_is_outside_the_domain(learned):
    prediction = learned.predict(["C[Si](C)(C)O[Si](C)(C)C", "FC(F)(F)C(F)(F)F"])
    assert not prediction.in_domain.any()


def test_what_is_no_molecule_has_no_prediction(learned, measurements):
    prediction = learned.predict(["xxx", measurements.smiles[0]])
    assert np.isnan([prediction.mean[0], prediction.low[0], prediction.nearest_value[0]]).all()
    assert (prediction.nearest[0], bool(prediction.in_domain[0])) == ("", False)
    assert np.isfinite(prediction.mean[1])
    assert len(learned.predict([]).mean) == 0


def test_a_prediction_does_not_depend_on_what_else_is_predicted(learned, new):
    together, alone = learned.predict(new[:5]), learned.predict(new[4:5])
    assert np.isclose(together.mean[4], alone.mean[0], rtol=1e-6)


def test_a_coverage_outside_zero_to_one_is_refused(learned):
    with pytest.raises(ValueError, match="between 0 and 1"):
        learned.predict(["C"], coverage=1.0)


def test_a_single_scaffold_is_split_at_random(tmp_path):
    smiles = [f"c1ccccc1{'C' * n}" for n in range(20)]
    measurements = Measurements("x", smiles, np.arange(20.0), np.ones(20, dtype=np.int64))
    learned = fit(measurements, seed=1)
    assert learned.validation.split == "random"
    assert learned.validation.candidates[0].scaffold is None
    learned.save(tmp_path / "m")
    assert load(tmp_path / "m").predict(["CCc1ccccc1"]).mean == learned.predict(["CCc1ccccc1"]).mean


def test_no_scaffold_is_in_two_folds():
    smiles = [f"{ring}{'C' * n}" for ring in ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CC1") for n in range(8)]
    folds = make_folds(smiles, seed=1)["scaffold"]
    assert all(len(set(folds[first : first + 8].tolist())) == 1 for first in range(0, 32, 8))


@pytest.mark.parametrize("name", REGRESSORS)
def test_each_kind_comes_back_from_its_state(measurements, model, name):
    from rdkit import Chem

    kind = REGRESSORS[name]
    mols = [Chem.MolFromSmiles(smiles) for smiles in measurements.smiles]
    features = kind.describe(mols, measurements.smiles, model)
    fitted = kind.fit(features, measurements.values, 1, 1)
    again = kind.from_state(fitted.state(), features, measurements.values)
    for before, after in zip(fitted.predict(features), again.predict(features), strict=True):
        assert np.array_equal(before, after)
        assert before.shape == (120,)
    assert (fitted.predict(features)[1] > 0.0).all()
    specs = kind.tensors(120)
    assert {n: (a.dtype.name, a.ndim) for n, a in fitted.state().items()} == {
        n: (s.dtype, s.ndim) for n, s in specs.items()
    }
    assert all(array.size <= specs[n].max_size for n, array in fitted.state().items())


def test_a_forest_of_arrays_says_what_scikit_learn_says(measurements):
    from rdkit import Chem
    from sklearn.ensemble import ExtraTreesRegressor

    from molvae.learned.forest import Forest, _matrix, _Nodes

    features = Forest.describe([Chem.MolFromSmiles(s) for s in measurements.smiles], measurements.smiles, None)
    forest = ExtraTreesRegressor(10, random_state=0).fit(_matrix(features), measurements.values)
    nodes = _Nodes.of([tree.tree_ for tree in forest.estimators_])
    nodes.check()
    assert np.allclose(nodes.values(_matrix(features)).mean(axis=1), forest.predict(_matrix(features)))


@pytest.mark.parametrize("usual", [5.0, 5.1])
def test_values_that_are_nearly_all_equal_can_be_learned_and_kept(smiles, tmp_path, usual):
    values = np.full(12, usual)
    values[3] = 6.0
    fitted = fit(Measurements("activity", smiles[:12], values, np.ones(12, dtype=np.int64)), seed=1)
    fitted.save(tmp_path / "model")
    prediction = load(tmp_path / "model").predict(smiles[12:20])
    assert np.isfinite(prediction.mean).all()
    assert (prediction.low < prediction.high).all()
