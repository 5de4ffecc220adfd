import pytest

from molvae.errors import ConfigError, DataError
from molvae.optimize.objective import load_objective
from molvae.propose.scores import read_scores

OBJECTIVE = """
name: potent_and_light
mean: arithmetic
terms:
  - {property: logp, name: pIC50, maximise: {low: 5, high: 9}}
  - {property: mol_weight, minimise: {low: 0, high: 200}, weight: 3}
"""


@pytest.fixture
def objective(tmp_path):
    (tmp_path / "both.yaml").write_text(OBJECTIVE)
    return load_objective(str(tmp_path / "both.yaml"))


def test_a_term_with_the_name_of_a_column_has_the_measured_values_and_others_are_computed(tmp_path, objective):
    table = tmp_path / "results.csv"
    table.write_text("smiles,pIC50\nCCO,9\nc1ccccc1,6\nCCN,\n")
    scores = read_scores(table, objective)
    assert scores.smiles == ["CCO", "c1ccccc1"]
    weights = [46.069, 78.114]
    assert scores.values == pytest.approx(
        [(activity + 3 * (1 - weight / 200)) / 4 for activity, weight in zip((1.0, 0.25), weights, strict=True)],
        abs=1e-4,
    )


def test_a_measured_term_is_not_computed_and_the_others_are(tmp_path):
    (tmp_path / "assays.py").write_text(
        "def slow(smiles):\n    raise SystemExit\n\n\ndef length(smiles):\n    return [len(s) for s in smiles]\n"
    )
    (tmp_path / "own.yaml").write_text(
        "name: own\nterms: [{python: 'assays:slow', name: pIC50, maximise: {low: 0, high: 10}}, "
        "{python: 'assays:length', name: length, maximise: {low: 0, high: 10}}]\n"
        "constraints: [{python: 'assays:slow', name: limit, max: 3}]\n"
    )
    (tmp_path / "results.csv").write_text("smiles,pIC50,more\nCCO,9,1\nc1ccccc1,4,2\n")
    scores = read_scores(tmp_path / "results.csv", load_objective(str(tmp_path / "own.yaml")))
    assert scores.values == pytest.approx([(0.9 * 0.3) ** 0.5, (0.4 * 0.8) ** 0.5])


def test_a_table_without_such_a_column_is_refused(tmp_path, objective):
    (tmp_path / "results.csv").write_text("smiles,IC50\nCCO,9\n")
    with pytest.raises(ConfigError, match=r"a term of potent_and_light \(pIC50, mol_weight\), found smiles, IC50"):
        read_scores(tmp_path / "results.csv", objective)


def test_equal_scores_are_refused_where_there_is_enough_to_learn_from(tmp_path):
    (tmp_path / "steep.yaml").write_text(
        "name: steep\nterms: [{property: logp, name: a, maximise: {low: 90, high: 99}}]\n"
    )
    steep = load_objective(str(tmp_path / "steep.yaml"))
    rows = [f"{'C' * n}O,{n}\n" for n in range(1, 11)]
    (tmp_path / "results.csv").write_text("smiles,a\n" + "".join(rows[:9]))
    assert read_scores(tmp_path / "results.csv", steep).values.tolist() == [0.0] * 9
    (tmp_path / "results.csv").write_text("smiles,a\n" + "".join(rows))
    with pytest.raises(DataError, match="expected different scores by steep, found 0 for all 10 molecules"):
        read_scores(tmp_path / "results.csv", steep)


def test_a_molecule_that_is_measured_in_part_has_no_score_and_is_known_all_the_same(tmp_path):
    (tmp_path / "two.yaml").write_text(
        "name: two\nterms: [{property: logp, name: a, maximise: {low: 0, high: 9}}, "
        "{property: qed, name: b, maximise: {low: 0, high: 9}}]\n"
    )
    (tmp_path / "results.csv").write_text("smiles,a,b\nCCO,9,1\nCCN,8,\nCCS,>9,3\nCCF,,\n")
    scores = read_scores(tmp_path / "results.csv", load_objective(str(tmp_path / "two.yaml")))
    assert scores.smiles == ["CCO"]
    assert set(scores.tested) == {"CCO", "CCN", "CCS"}
