import pandas as pd

from molvae.config import SampleConfig
from molvae.sample import sample
from molvae.seeding import derive_seed


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


def test_a_least_probability_near_1_leaves_the_likeliest_molecule_alone(model, tmp_path):
    sample(model, tmp_path / "a.csv", SampleConfig(n=20, min_probability=0.999), 1)
    assert len(set(pd.read_csv(tmp_path / "a.csv", keep_default_na=False)["smiles"])) == 1


def test_a_bound_on_the_nats_is_used(model, tmp_path):
    drawn = model.sample(20, derive_seed(1, "sample stage"), max_nll=12.0)
    sample(model, tmp_path / "a.csv", SampleConfig(n=20, max_nll=12.0), 1)
    assert pd.read_csv(tmp_path / "a.csv", keep_default_na=False)["smiles"].tolist() == drawn
    assert drawn != model.sample(20, derive_seed(1, "sample stage"))
