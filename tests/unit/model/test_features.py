import numpy as np
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

import molvae
from molvae.chem.descriptors import compute_properties


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
