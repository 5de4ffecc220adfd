import json
from itertools import pairwise

import pandas as pd
import pytest

from molvae.config import EvaluateConfig
from molvae.errors import DataError
from molvae.evaluate import evaluate
from molvae.provenance import recorded_sources, software


@pytest.fixture(scope="module")
def evaluated(model, prepared, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate")
    evaluate(model, prepared, out, EvaluateConfig(n_reconstruct=40, n_samples=60, n_latent=30, n_map=50), seed=1)
    return out


@pytest.fixture(scope="module")
def metrics(evaluated):
    return json.loads((evaluated / "metrics.json").read_text())


def test_every_metric_has_a_value_a_denominator_and_a_definition(metrics):
    values = {name: entry for name, entry in metrics.items() if "value" in entry}
    assert set(values) == {
        "exact_reconstruction",
        "reconstruction_similarity",
        "token_accuracy",
        "reconstruction_nats",
        "unconditional_nats",
        "kl_nats",
        "active_units",
        "value_discrepancy_logp",
        "value_discrepancy_qed",
        "fcd_prior",
        "broken_aromatics",
        "broken_aromatics_test",
        "unseen_rings",
        "unseen_rings_test",
        "prior_gap",
        "midpoint_gap",
        "interpolation_gap",
        "distance_similarity_correlation",
        "explained_variance_1",
        "explained_variance_2",
    }
    for metric in values.values():
        assert {"value", "n", "definition"} <= set(metric)
        assert metric["n"] > 0
    assert values["exact_reconstruction"]["n"] == 40


def test_the_file_says_which_source_wrote_it(evaluated, metrics):
    assert metrics["software"] == software()
    assert recorded_sources(evaluated) == {"metrics.json": software()["source"]}


def test_the_priors_stand_side_by_side(metrics):
    assert set(metrics["priors"]) == {"normal", "gaussian_mixture", "flow", "decoder"}
    assert [name for name, prior in metrics["priors"].items() if prior["chosen"]] == ["decoder"]
    for prior in metrics["priors"].values():
        assert {"min_probability", "validity", "uniqueness", "novelty", "fcd"} <= set(prior)
        assert prior["max_nll"] is None
    assert metrics["fcd_prior"] == metrics["priors"]["decoder"]["fcd"]


def test_codes_on_around_and_between_molecules_are_decoded_at_one_n(metrics):
    decoded = metrics["decoded"]
    assert list(decoded) == [
        "held_out",
        "posterior_means",
        "posterior_samples",
        "midpoints",
        "interpolated",
        "neighbors_0.25",
        "neighbors_0.5",
        "neighbors_1",
        "prior",
    ]
    assert {values["validity"]["n"] for values in decoded.values()} == {30}
    assert decoded["held_out"]["fcd"]["value"] < min(
        values["fcd"]["value"] for name, values in decoded.items() if name != "held_out"
    )
    bound = decoded["posterior_samples"]["fcd"]["value"]
    assert metrics["midpoint_gap"]["value"] == decoded["midpoints"]["fcd"]["value"] / bound
    assert metrics["prior_gap"]["value"] == decoded["prior"]["fcd"]["value"] / bound


def test_bins_of_size_cover_every_molecule_with_an_interval_around_the_fraction(metrics):
    bins = metrics["reconstruction_by_size"]
    assert sum(row["n"] for row in bins) == 40
    assert sum(row["n"] * row["exact"] for row in bins) / 40 == pytest.approx(metrics["exact_reconstruction"]["value"])
    for row in bins:
        assert 0.0 <= row["low"] <= row["exact"] <= row["high"] <= 1.0
    assert all(before["heavy_atoms_to"] < after["heavy_atoms_from"] for before, after in pairwise(bins))


def test_the_divergences_of_the_dimensions_add_up(metrics, model):
    assert len(metrics["by_dimension"]) == model.latent_dim
    total = sum(row["kl_nats"] for row in metrics["by_dimension"])
    assert total == pytest.approx(metrics["kl_nats"]["value"], rel=1e-4)


def test_generated_molecules_are_compared_with_as_many_test_molecules_as_asked_for(model, prepared, tmp_path):
    config = EvaluateConfig(n_reconstruct=40, n_samples=60, n_latent=30, n_map=50, n_reference=11)
    evaluate(model, prepared, tmp_path, config, seed=1)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["fcd_prior"]["n_reference"] == metrics["decoded"]["prior"]["fcd"]["n_reference"] == 11
    assert metrics["exact_reconstruction"]["n"] == 40


def test_the_same_seed_gives_the_same_values(model, prepared, tmp_path, evaluated):
    evaluate(model, prepared, tmp_path, EvaluateConfig(n_reconstruct=40, n_samples=60, n_latent=30, n_map=50), seed=1)
    assert (tmp_path / "metrics.json").read_bytes() == (evaluated / "metrics.json").read_bytes()


def test_the_values_follow_from_the_table_of_reconstructions(evaluated, metrics):
    table = pd.read_csv(evaluated / "reconstructions.csv", keep_default_na=False)
    assert len(table) == 40
    assert (table["smiles"] == table["decoded"]).mean() == metrics["exact_reconstruction"]["value"]
    assert (table["exact"] == (table["smiles"] == table["decoded"])).all()
    assert table["similarity"].between(0.0, 1.0).all()


def test_the_map_has_training_molecules_test_molecules_and_samples(evaluated, metrics):
    table = pd.read_parquet(evaluated / "latent_map.parquet")
    layers = table["split"].value_counts().to_dict()
    # A string that the model writes need not be a molecule, and is not made up for.
    assert (layers["train"], layers["test"]) == (16, 16)
    assert 0 < layers["sample"] <= 16
    first, second = (metrics[f"explained_variance_{axis}"]["value"] for axis in (1, 2))
    assert 1.0 > first >= second > 0.0
    assert table[["x", "y", "qed", "logp", "mol_weight", "sa_score"]].notna().all().all()


@pytest.fixture
def with_iodine(prepared, tmp_path):
    """Return a function that copies the prepared molecules, of which it gives some of each split an unknown token."""

    def copied(n):
        for path in prepared.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        molecules = pd.read_parquet(prepared / "molecules.parquet")
        for _, rows in molecules.groupby("split"):
            molecules.loc[rows.index[:n], ["smiles", "selfies"]] = ["CCI", "[C][C][I]"]
        molecules.to_parquet(tmp_path / "molecules.parquet")
        return tmp_path

    return copied


def test_molecules_with_unknown_tokens_are_left_out_and_counted(model, with_iodine, tmp_path, caplog):
    config = EvaluateConfig(n_reconstruct=100, n_samples=60, n_latent=30, n_map=50)
    evaluate(model, with_iodine(3), tmp_path / "out", config, seed=1)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["unknown_tokens"] == {"test": 3, "validation": 3}
    assert metrics["exact_reconstruction"]["n"] == 57
    # What is generated is compared with all test molecules.
    assert metrics["fcd_prior"]["n_reference"] == 60
    assert "3 of 60 test molecules are left out: the model does not know [I]" in caplog.text


def test_too_few_molecules_that_the_model_can_encode_are_refused(model, with_iodine, tmp_path):
    message = r"expected at least 2 test molecules that the model can encode, found 1 of 60 \(it does not know \[I\]\)"
    with pytest.raises(DataError, match=message):
        evaluate(model, with_iodine(59), tmp_path / "out", EvaluateConfig(), seed=1)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_no_held_out_molecules_is_an_error(model, prepared, tmp_path, split):
    for path in prepared.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    molecules = pd.read_parquet(prepared / "molecules.parquet")
    molecules[molecules["split"] != split].to_parquet(tmp_path / "molecules.parquet")
    with pytest.raises(DataError, match=f"expected at least 2 {split} molecules, found 0"):
        evaluate(model, tmp_path, tmp_path / "out", EvaluateConfig(), seed=1)
