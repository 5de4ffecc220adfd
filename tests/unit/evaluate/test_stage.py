import json

import pandas as pd
import pytest

from molvae.config import EvaluateConfig
from molvae.errors import DataError
from molvae.evaluate import evaluate


@pytest.fixture(scope="module")
def evaluated(model, prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate")
    evaluate(model, prepared, out, EvaluateConfig(n_reconstruct=40, n_samples=60, n_map=50), seed=1)
    return out


@pytest.fixture(scope="module")
def metrics(evaluated):
    return json.loads((evaluated / "metrics.json").read_text())


def test_every_figure_has_a_value_a_denominator_and_a_definition(metrics):
    figures = {name: figure for name, figure in metrics.items() if name != "priors"}
    assert set(figures) == {
        "exact_reconstruction",
        "reconstruction_similarity",
        "token_accuracy",
        "reconstruction_nats",
        "unconditional_nats",
        "kl_nats",
        "active_units",
        "fcd_prior",
    }
    for figure in figures.values():
        assert {"value", "n", "definition"} <= set(figure)
        assert figure["n"] > 0
    assert figures["exact_reconstruction"]["n"] == 40


def test_the_priors_stand_side_by_side(metrics):
    assert set(metrics["priors"]) == {"normal", "gaussian_mixture", "decoder"}
    assert [name for name, prior in metrics["priors"].items() if prior["chosen"]] == ["decoder"]
    for prior in metrics["priors"].values():
        assert {"temperature", "validity", "uniqueness", "novelty", "fcd"} <= set(prior)
    assert metrics["fcd_prior"] == metrics["priors"]["decoder"]["fcd"]


def test_the_figures_follow_from_the_table_of_reconstructions(evaluated, metrics):
    table = pd.read_csv(evaluated / "reconstructions.csv", keep_default_na=False)
    assert len(table) == 40
    assert (table["smiles"] == table["decoded"]).mean() == metrics["exact_reconstruction"]["value"]
    assert (table["exact"] == (table["smiles"] == table["decoded"])).all()
    assert table["similarity"].between(0.0, 1.0).all()


def test_the_map_has_training_and_test_molecules(evaluated):
    table = pd.read_parquet(evaluated / "latent_map.parquet")
    assert table["split"].value_counts().to_dict() == {"train": 25, "test": 25}
    assert table[["x", "y", "qed", "logp", "mol_weight", "sa_score"]].notna().all().all()


def test_no_test_molecules_is_an_error(model, prepared, tmp_path):
    for path in prepared.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    molecules = pd.read_parquet(prepared / "molecules.parquet")
    molecules[molecules["split"] != "test"].to_parquet(tmp_path / "molecules.parquet")
    with pytest.raises(DataError, match="expected test molecules, found 0"):
        evaluate(model, tmp_path, tmp_path / "out", EvaluateConfig(), seed=1)
