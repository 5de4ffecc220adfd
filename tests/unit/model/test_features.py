import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

import molvae
from molvae.chem.descriptors import compute_properties
from molvae.errors import DataError
from molvae.model.model import MODEL_FILES


def test_it_is_the_start_of_a_pipeline(model, smiles):
    logp = compute_properties(smiles[:60], ["logp"])["logp"]
    pipeline = make_pipeline(molvae.LatentFeatures(model), Ridge()).fit(smiles[:50], logp[:50])
    assert pipeline.predict(smiles[50:60]).shape == (10,)


def test_features_are_the_codes_with_names(model, smiles):
    features = molvae.LatentFeatures(model)
    np.testing.assert_array_equal(features.fit_transform(smiles[:3]), model.encode(smiles[:3]))
    assert features.get_feature_names_out().tolist() == [f"z{i}" for i in range(model.latent_dim)]


def test_clones_share_the_model(model):
    assert clone(molvae.LatentFeatures(model)).model is model
    assert clone(make_pipeline(molvae.LatentFeatures(model), Ridge()))[0].model is model


def test_cross_validation_does_not_copy_the_network(model, smiles):
    logp = compute_properties(smiles[:30], ["logp"])["logp"]
    pipeline = make_pipeline(molvae.LatentFeatures(model), Ridge())
    folds = cross_validate(pipeline, smiles[:30], logp, cv=3, return_estimator=True)
    assert all(estimator[0].model.vae is model.vae for estimator in folds["estimator"])


def test_a_model_is_given_by_its_folder_or_name_and_loaded_once(model, smiles, tmp_path, monkeypatch):
    model.save(tmp_path / "model")
    features = molvae.LatentFeatures(tmp_path / "model")
    loaded = features.fit(smiles[:2])._loaded()
    np.testing.assert_allclose(features.transform(smiles[:2]), model.encode(smiles[:2]), atol=1e-5)
    assert clone(features)._loaded() is loaded
    monkeypatch.setattr("molvae.model.shipped.HOMES", (tmp_path,))
    assert molvae.LatentFeatures("model").get_feature_names_out().tolist() == [f"z{i}" for i in range(model.latent_dim)]
    # A model that was trained again is another one.
    model.save(tmp_path / "model")
    assert features._loaded() is not loaded


def test_a_wrong_name_is_told_by_fit(smiles):
    with pytest.raises(DataError, match=r"zinc25k: expected a model's folder.*did you mean zinc250k\?"):
        molvae.LatentFeatures("zinc25k").fit(smiles[:2])


@pytest.mark.parametrize("name", MODEL_FILES[:2])
def test_a_file_that_a_model_lacks_is_named(model, smiles, tmp_path, name):
    model.save(tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    with pytest.raises(DataError, match=f"{name}: expected a file"):
        molvae.LatentFeatures(tmp_path / "model").fit(smiles[:2])


@pytest.mark.parametrize("wrong", ["CCO", [["CCO"], ["CCN"]], np.array([["CCO", "a"]])])
def test_what_is_not_a_column_of_smiles_is_refused(model, wrong):
    with pytest.raises(DataError, match="expected a one-dimensional list, array or Series of SMILES"):
        molvae.LatentFeatures(model).transform(wrong)
