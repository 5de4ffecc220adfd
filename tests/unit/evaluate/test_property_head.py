import numpy as np
import pandas as pd
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.evaluate import property_head
from molvae.evaluate.property_head import property_head_metrics
from tests.fixtures.property_head import with_head


@pytest.fixture(scope="module")
def molecules(smiles):
    splits = ["train"] * 200 + ["validation"] * 50 + ["test"] * 50
    logp = compute_properties(smiles, ["logp"])["logp"]
    table = pd.DataFrame({"smiles": smiles, "split": splits, "property.logp": logp})
    table.loc[::7, "property.logp"] = np.nan
    return table


def test_the_head_is_compared_with_a_model_without_codes(model, molecules):
    metrics = property_head_metrics(with_head(model), molecules, seed=1)["logp"]
    n_test = int(molecules.loc[molecules["split"] == "test", "property.logp"].notna().sum())
    assert metrics["r2_test"]["n"] == metrics["baseline_rmse_test"]["n"] == n_test
    assert metrics["baseline_r2_test"]["value"] > 0.5
    assert set(metrics) == {
        f"{of}{name}_{split}" for of in ("", "baseline_") for name in ("r2", "rmse") for split in ("validation", "test")
    }


def test_a_head_that_is_worse_is_warned_of(model, molecules, caplog):
    with caplog.at_level("WARNING", logger="molvae"):
        metrics = property_head_metrics(with_head(model), molecules, seed=1)["logp"]
    assert "do not search by this head" in metrics["r2_test"]["warning"]
    assert "property head, logp" in caplog.text


def test_what_is_not_measured_is_not_evaluated(model, molecules):
    assert property_head_metrics(with_head(model, "pIC50"), molecules, seed=1) == {}
    few = molecules.assign(**{"property.logp": molecules["property.logp"].where(molecules.index < 205)})
    assert property_head_metrics(with_head(model), few, seed=1) == {"logp": {}}


def test_a_split_whose_values_are_all_the_same_is_left_out(model, molecules):
    """As of a rare binary property: there is no variance to explain."""
    rare = (molecules.index % 50 == 0).astype(float)
    same = molecules.assign(**{"property.logp": np.where(molecules["split"] == "test", 0.0, rare)})
    metrics = property_head_metrics(with_head(model), same, seed=1)["logp"]
    assert {name.rpartition("_")[2] for name in metrics} <= {"validation"}


def test_as_many_molecules_are_described_as_are_used(model, molecules, monkeypatch):
    described = []
    describe = property_head.CountGaussianProcess.describe

    def counting(mols, *arguments):
        described.append(len(mols))
        return describe(mols, *arguments)

    monkeypatch.setattr(property_head.CountGaussianProcess, "describe", counting)
    monkeypatch.setattr(property_head, "MAX_MOLECULES", 60)
    monkeypatch.setattr(property_head, "MAX_MEASURED", 20)
    metrics = property_head_metrics(with_head(model), molecules, seed=1)["logp"]
    assert described == [60, 20, 20]
    assert metrics["r2_test"]["n"] == 20
    assert property_head_metrics(with_head(model), molecules, seed=1)["logp"] == metrics
