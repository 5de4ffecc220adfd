import gzip

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from molvae.chem.sdf import write_sdf
from molvae.chem.standardise import standardise
from molvae.errors import ConfigError
from molvae.optimize.objective import load_objective
from molvae.propose import ranking
from molvae.propose.gaussian_process import GaussianProcess
from molvae.propose.kernels import plate_features
from molvae.propose.pool import Pool
from molvae.propose.ranking import Rater, Screen, draw, rank


@pytest.fixture
def table(tmp_path, smiles):
    """Return a pool with a row that is no molecule, one molecule twice, and one that is drawn in another way."""
    rows = [*smiles[:100], "nonsense", smiles[0], f"{smiles[1]}.Cl", ""]
    path = tmp_path / "pool.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("name,SMILES,price\n" + "".join(f"m{i},{text},{i}\n" for i, text in enumerate(rows)))
    return path


@pytest.fixture(scope="module")
def process(smiles):
    mols = [Chem.MolFromSmiles(text) for text in smiles[100:180]]
    return GaussianProcess(plate_features(mols), np.array([float(mol.GetNumHeavyAtoms()) for mol in mols]), seed=1)


def test_the_columns_of_a_pool_are_known(table):
    pool = Pool.at(table)
    assert (pool.smiles_column, pool.names) == ("SMILES", ("name", "price"))


def test_a_pool_without_the_column_is_refused_in_one_line(tmp_path):
    path = tmp_path / "pool.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="expected a column with SMILES, found the columns 'a', 'b'"):
        Pool.at(path)


def test_the_sample_has_every_row_of_a_short_pool_and_some_of_a_long_one(table):
    n_rows, sample = Pool.at(table).sample(1000, np.random.default_rng(1))
    assert n_rows == len(sample) == 104
    n_rows, sample = Pool.at(table).sample(10, np.random.default_rng(1))
    assert (n_rows, len({record.line for record in sample})) == (104, 10)


def test_some_rows_are_read_with_their_other_columns(table):
    blocks = list(Pool.at(table).blocks(np.array([3, 99]), whole=True))
    assert [record.extra for block in blocks for record in block.records] == [("m3", "3"), ("m99", "99")]


def test_the_best_come_first_once_each_without_what_is_measured(table, smiles, process):
    measured = standardise(smiles[2]).smiles
    ranked = rank(Pool.at(table), Rater(process.mean, None, 1000, {measured}), 1, 1)
    candidates = ranked.candidates
    assert (ranked.n_rows, ranked.n_unusable) == (104, 2)
    assert [(row.line, row.input) for row in ranked.unusable] == [(102, "nonsense"), (105, "")]
    assert len(candidates) == len(set(candidates.standard)) == 99
    assert measured not in candidates.standard
    assert np.all(np.diff(candidates.mean) <= 0.0)
    assert [record.smiles for record in candidates.records] == candidates.smiles


def test_what_is_measured_takes_no_place_of_another_molecule(table, process, monkeypatch):
    monkeypatch.setattr("molvae.propose.pool.BLOCK", 40)
    whole = rank(Pool.at(table), Rater(process.mean, None, 1000), 1, 1).candidates.standard
    best = rank(Pool.at(table), Rater(process.mean, None, 5, frozenset(whole[:60])), 1, 1).candidates
    assert best.standard == whole[60:65]
    drawn = draw(Pool.at(table), Rater(None, None, 40, frozenset(whole[:60])), 1, 1).candidates
    assert sorted(drawn.standard) == sorted(whole[60:])


def test_results_do_not_depend_on_the_number_of_processes(table, process, monkeypatch):
    monkeypatch.setattr("molvae.parallel.MIN_FOR_A_POOL", 10)
    monkeypatch.setattr("molvae.propose.pool.BLOCK", 40)
    first, second = (rank(Pool.at(table), Rater(process.mean, None, 20), 1, n).candidates for n in (1, 2))
    assert first.smiles == second.smiles
    assert np.array_equal(first.mean, second.mean)


def test_constraints_are_satisfied(table, process, tmp_path):
    file = tmp_path / "light.yaml"
    file.write_text("name: light\nterms: [{property: qed}]\nconstraints: [{property: mol_weight, max: 300}]\n")
    ranked = rank(Pool.at(table), Rater(process.mean, load_objective(str(file)), 1000), 1, 1)
    weights = [Chem.Descriptors.MolWt(Chem.MolFromSmiles(text)) for text in ranked.candidates.standard]
    assert weights
    assert max(weights) <= 300


def test_a_long_pool_is_screened_and_the_best_of_it_are_still_found(table, process, monkeypatch):
    whole = rank(Pool.at(table), Rater(process.mean, None, 1000), 1, 1)
    monkeypatch.setattr(ranking, "MAX_EXACT", 40)
    screened = rank(Pool.at(table), Rater(process.mean, None, 10), 1, 1)
    assert (screened.n_rows, screened.n_unusable) == (104, 2)
    assert len(set(screened.candidates.standard) & set(whole.candidates.standard[:10])) >= 8
    assert screened.candidates.records[0].extra[0].startswith("m")


def test_a_screen_follows_what_it_imitates(smiles):
    bits = np.random.default_rng(0).integers(0, 256, (500, 256), dtype=np.uint8)
    values = np.unpackbits(bits, axis=1, bitorder="little")[:, :3].sum(axis=1).astype(float)
    assert np.corrcoef(Screen.imitating(bits, values)(bits), values)[0, 1] > 0.9


def test_a_parquet_pool_and_one_without_columns_are_read_too(tmp_path, smiles):
    pd.DataFrame({"id": ["a"], "smiles": [smiles[0]], "price": [3]}).to_parquet(tmp_path / "pool.parquet")
    assert Pool.at(tmp_path / "pool.parquet").names == ("id", "price")
    (tmp_path / "pool.smi").write_text(f"{smiles[0]} first\n")
    assert draw(Pool.at(tmp_path / "pool.smi"), Rater(None, None, 10), 1, 1).candidates.records[0].id == "first"


def test_without_predictions_rows_are_drawn_at_random_with_their_columns(table):
    first, second = (draw(Pool.at(table), Rater(None, None, 10), seed, 1) for seed in (1, 2))
    assert first.n_rows == 104
    assert len(first.candidates) <= 10
    assert first.candidates.smiles != second.candidates.smiles
    assert all(record.extra[0].startswith("m") for record in first.candidates.records)


def test_a_lead_and_a_core_are_constraints_too(table, process, tmp_path):
    (tmp_path / "phenyls.yaml").write_text("name: phenyls\ncore: c1ccccc1\nterms: [{property: qed}]\n")
    rater = Rater(process.mean, load_objective(str(tmp_path / "phenyls.yaml")), 1000)
    phenyl = Chem.MolFromSmarts("c1ccccc1")
    ranked = rank(Pool.at(table), rater, 1, 1)
    assert 0 < len(ranked.candidates) < 100
    assert all(Chem.MolFromSmiles(text).HasSubstructMatch(phenyl) for text in ranked.candidates.standard)


def test_the_whole_pool_is_read_where_few_of_a_part_satisfy_the_constraints(table, tmp_path, monkeypatch):
    (tmp_path / "light.yaml").write_text(
        "name: light\nterms: [{property: qed}]\nconstraints: [{property: mol_weight, max: 300}]\n"
    )
    rater = Rater(None, load_objective(str(tmp_path / "light.yaml")), 50)
    whole = draw(Pool.at(table), rater, 1, 1)
    monkeypatch.setattr(ranking, "_SAMPLE", 10)
    part = draw(Pool.at(table), rater, 1, 1)
    assert 0 < len(whole.candidates) < 50
    assert set(part.candidates.standard) == set(whole.candidates.standard)
    assert (part.n_rows, part.n_read, part.n_unusable) == (104, 104, 2)
    few = draw(Pool.at(table), Rater(None, None, 5), 1, 1)
    assert (few.n_rows, few.n_read, len(few.candidates)) == (104, 10, 5)


def test_a_screened_pool_has_the_constraints_of_the_standard_forms(tmp_path, smiles, process, monkeypatch):
    """The salts weigh too much, and what is left of a complex without its metal is another compound."""
    (tmp_path / "light.yaml").write_text(
        "name: light\nterms: [{property: qed}]\nconstraints: [{property: mol_weight, max: 150}]\n"
    )
    amines = [f"{'C' * n}N" for n in range(2, 9)]
    heavy = ["OS(=O)(=O)C(F)(F)C(F)(F)C(F)(F)C(F)(F)F"] * 7
    rows = [*(f"{amine}.{acid}" for amine, acid in zip(amines, heavy, strict=True)), "[NH3][Pt]([NH3])(Cl)Cl"]
    rows += smiles[:40]
    (tmp_path / "pool.smi").write_text("".join(f"{text} m{n}\n" for n, text in enumerate(rows)))
    rater = Rater(process.mean, load_objective(str(tmp_path / "light.yaml")), 1000)
    short = rank(Pool.at(tmp_path / "pool.smi"), rater, 1, 1)
    monkeypatch.setattr(ranking, "MAX_EXACT", 30)
    screened = rank(Pool.at(tmp_path / "pool.smi"), rater, 1, 1)
    assert set(screened.candidates.standard) == set(short.candidates.standard)
    assert screened.n_unusable == short.n_unusable == 1


def test_the_data_fields_of_an_sd_file_come_along(tmp_path, smiles):
    fields = pd.DataFrame({"catalogue": ["A-1", "A-2"], "price": [3, 4]})
    write_sdf(tmp_path / "pool.sdf", smiles[:2], ["one", "two"], fields)
    pool = Pool.at(tmp_path / "pool.sdf")
    assert pool.names == ("catalogue", "price")
    records = draw(pool, Rater(None, None, 10), 1, 1).candidates.records
    assert sorted((record.id, record.extra) for record in records) == [("one", ("A-1", "3")), ("two", ("A-2", "4"))]
