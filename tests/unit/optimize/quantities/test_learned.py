import numpy as np
import pytest

from molvae.chem.molecules import parse
from molvae.errors import ConfigError, DataError, ObjectiveError
from molvae.learned import load
from molvae.learned.cache import learned_from
from molvae.optimize.objective import Objective
from molvae.optimize.quantities import Failure, Molecule
from molvae.optimize.quantities.learned import Learned
from molvae.optimize.spec import ObjectiveSpec, read_spec

SERIES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "c1ccccc1O")]
TERM = {"learned": {"table": "measured.csv", "column": "pIC50"}, "maximise": {"low": 5, "high": 6}}


@pytest.fixture
def folder(tmp_path):
    rows = [f"{smiles},{5 + len(smiles) / 20}" for smiles in SERIES]
    (tmp_path / "measured.csv").write_text("SMILES,pIC50\n" + "\n".join(rows) + "\n")
    return tmp_path


def objective(folder, *terms, **more):
    return Objective(ObjectiveSpec.model_validate({"name": "x", "terms": terms or [TERM], **more}), folder)


def term(value="mean", desirability=None, **more):
    return {
        "learned": {"table": "measured.csv", "column": "pIC50", "value": value, **more},
        **(desirability or {"maximise": {"low": 5, "high": 6}}),
    }


def value_of(quantity, folder, smiles="CCCCc1ccccc1O"):
    return quantity.measure(folder)([Molecule(smiles, parse(smiles))])[0]


def test_a_column_is_learned_and_scores_molecules(folder):
    evaluations = objective(folder).evaluate_batch(["CCCCCCCc1ccccc1O", "CO", "xxx"])
    assert evaluations[0].score > evaluations[1].score
    assert 5.0 < evaluations[1].values["pIC50"] < evaluations[0].values["pIC50"] < 6.0
    assert evaluations[2].status == "invalid"


def test_the_table_is_a_file_of_the_objective(folder):
    assert objective(folder).files == (folder / "measured.csv",)
    before = objective(folder).identity()
    (folder / "measured.csv").write_text((folder / "measured.csv").read_text() + "CCCl,7\n")
    assert objective(folder).identity() != before


def test_a_kept_model_gives_the_same_values(folder):
    learned_from(folder / "measured.csv", "pIC50", None).save(folder / "kept")
    kept = Learned.model_validate({"learned": {"model": "kept"}})
    assert value_of(kept, folder) == value_of(Learned.model_validate({"learned": TERM["learned"]}), folder)
    assert [file.parent for file in kept.files(folder)] == [folder / "kept"] * 3


def test_the_cache_has_the_model_for_the_next_process(folder, monkeypatch):
    from molvae.learned import cache

    first = learned_from(folder / "measured.csv", "pIC50", None)
    cache._learned.cache_clear()
    monkeypatch.setattr(cache, "fit", lambda *_, **__: pytest.fail("fitted again"))
    again = learned_from(folder / "measured.csv", "pIC50", None)
    assert np.array_equal(first.predict(SERIES).mean, again.predict(SERIES).mean)


def test_a_damaged_cache_is_replaced(folder, monkeypatch, tmp_path):
    from molvae.learned import cache

    monkeypatch.setenv("MOLVAE_CACHE", str(tmp_path / "cache"))
    cache._learned.cache_clear()
    learned_from(folder / "measured.csv", "pIC50", None)
    [stored] = (tmp_path / "cache").glob("learned-*")
    (stored / "learned.safetensors").write_bytes(b"broken")
    cache._learned.cache_clear()
    learned_from(folder / "measured.csv", "pIC50", None)
    assert load(stored).column == "pIC50"


def test_optimistic_and_pessimistic_are_the_ends_that_the_desirability_means(folder):
    low, mean, high = (
        value_of(Learned.model_validate({"learned": {**TERM["learned"], "value": value}}), folder)
        for value in ("low", "mean", "high")
    )
    assert low < mean < high

    def values(*terms):
        return list(objective(folder, *terms).evaluate("CCCCc1ccccc1O").values.values())

    minimise = {"minimise": {"low": 5, "high": 6}}
    assert values(term("optimistic")) == [high]
    assert values(term("pessimistic")) == [low]
    assert values(term("optimistic", minimise)) == [low]
    assert values(term("pessimistic", minimise)) == [high]


def test_an_objective_comes_back_from_what_is_recorded(folder):
    before = objective(folder, term("optimistic", within_domain=True))
    again = Objective(ObjectiveSpec.model_validate(before.as_dict()), folder)
    assert again.as_dict() == before.as_dict()


def test_an_optimistic_value_needs_a_direction(folder):
    with pytest.raises(ValueError, match="expected mean, low or high"):
        objective(folder, term("optimistic", {"window": {"low": 5, "high": 6, "width": 1}}))
    with pytest.raises(ValueError, match="expected mean, low or high"):
        objective(folder, constraints=[{"learned": {**TERM["learned"], "value": "optimistic"}, "min": 5}])


def test_a_search_may_be_kept_in_the_domain(folder):
    inside = objective(folder, term(within_domain=True))
    assert inside.constraint_names == ("in_domain_pIC50",)
    evaluations = inside.evaluate_batch(["CCCCO", "C[Si](C)(C)O[Si](C)(C)C"])
    assert [evaluation.feasible for evaluation in evaluations] == [True, False]
    assert evaluations[1].violated == ("in_domain_pIC50",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "expected a table with its column, or a model"),
        ({"table": "measured.csv"}, "table and column together"),
        ({"table": "measured.csv", "column": "pIC50", "model": "kept"}, "neither or both"),
        ({"table": "measured.csv", "column": "pIC50", "value": "best"}, "learned.value"),
    ],
)
def test_a_source_that_is_none_is_refused_with_its_path(folder, source, message):
    (folder / "x.yaml").write_text(f"name: x\nterms: [{{learned: {source}, maximise: {{low: 5, high: 6}}}}]\n")
    with pytest.raises(ObjectiveError, match=message):
        read_spec(folder / "x.yaml")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ({"table": "none.csv", "column": "pIC50"}, ObjectiveError, r"none\.csv"),
        ({"table": "measured.csv", "column": "pKi"}, ConfigError, "'pKi'.*'pIC50'"),
        ({"table": "equal.csv", "column": "pIC50"}, DataError, "found 5 for all"),
        ({"model": "none"}, ObjectiveError, "none/learned.json"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_the_first_call(folder, source, error, message):
    (folder / "equal.csv").write_text("SMILES,pIC50\n" + "".join(f"{smiles},5\n" for smiles in SERIES))
    with pytest.raises(error, match=message):
        objective(folder, {"learned": source, "maximise": {"low": 5, "high": 6}})


def test_what_is_no_molecule_is_a_failure(folder):
    quantity = Learned.model_validate({"learned": TERM["learned"]})
    values = quantity.measure(folder)([Molecule("xxx", parse("C")), Molecule("CCO", parse("CCO"))])
    assert [isinstance(value, Failure) for value in values] == [True, False]


def test_a_table_is_called_by_its_name_without_the_way_to_it():
    quantity = Learned.model_validate({"learned": {"table": "../../data/measured.csv", "column": "pIC50"}})
    assert quantity.text() == "pIC50, learned from measured.csv"
