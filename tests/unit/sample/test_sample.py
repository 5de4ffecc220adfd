from dataclasses import replace

import pandas as pd

from molvae.config import SampleConfig
from molvae.files import read_json
from molvae.provenance import made_by
from molvae.sample import sample


def test_it_writes_as_many_rows_as_asked_for_and_the_same_for_the_same_seed(model, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        sample(model, tmp_path / f"{name}.csv", SampleConfig(n=20), seed)
    tables = [(tmp_path / f"{name}.csv").read_bytes() for name in "abc"]
    assert tables[0] == tables[1] != tables[2]
    assert len(pd.read_csv(tmp_path / "a.csv", keep_default_na=False)) == 20


def test_a_named_prior_and_temperature_are_used(model, tmp_path):
    sample(model, tmp_path / "best.csv", SampleConfig(n=20), 1)
    sample(model, tmp_path / "normal.csv", SampleConfig(n=20, prior="normal", temperature=0.5), 1)
    assert (tmp_path / "best.csv").read_bytes() != (tmp_path / "normal.csv").read_bytes()


def test_a_minimum_probability_near_1_leaves_the_most_probable_molecule_alone(model, tmp_path):
    sample(model, tmp_path / "a.csv", SampleConfig(n=20, min_probability=0.999), 1)
    assert len(set(pd.read_csv(tmp_path / "a.csv", keep_default_na=False)["smiles"])) == 1


def test_it_writes_what_the_model_samples_with_the_same_seed_and_parameters(model, tmp_path):
    params = replace(model.sampling_params(), max_nll=12.0)
    for name, config, sampled in [
        ("default", SampleConfig(n=20), model.sample(20, seed=1)),
        ("bounded", SampleConfig(n=20, max_nll=12.0), model.sample(20, seed=1, params=params)),
    ]:
        sample(model, tmp_path / f"{name}.csv", config, 1)
        table = pd.read_csv(tmp_path / f"{name}.csv", keep_default_na=False)
        assert table["smiles"].tolist() == [smiles or "" for smiles in sampled]
    assert (tmp_path / "default.csv").read_bytes() != (tmp_path / "bounded.csv").read_bytes()


def test_the_summary_records_the_software_the_parameters_and_the_counts(model, tmp_path):
    sample(model, tmp_path / "a.csv", SampleConfig(n=20, temperature=0.5), 3, summary=tmp_path / "summary.json")
    smiles = [smiles for smiles in pd.read_csv(tmp_path / "a.csv", keep_default_na=False)["smiles"] if smiles]
    assert read_json(tmp_path / "summary.json") == {
        **made_by("cpu"),
        "seed": 3,
        "prior": "decoder",
        "params": replace(model.sampling_params(), temperature=0.5).to_json(),
        "n": 20,
        "valid": len(smiles),
        "distinct": len(set(smiles)),
    }
