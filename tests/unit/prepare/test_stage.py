import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from molvae.chem.reading import read_molecules
from molvae.chem.vocabulary import Vocabulary
from molvae.config import PrepareConfig
from molvae.errors import ConfigError, DataError
from molvae.files import read_table
from molvae.prepare import prepare
from molvae.prepare.convert import Reason

DEMO = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:300]
LENIENT = PrepareConfig(max_rejected=1.0)
FILES = ["molecules.parquet", "rejected.csv", "summary.json", "vocabulary.json"]


def write(path, smiles):
    path.write_text("".join(f"{each} m{number}\n" for number, each in enumerate(smiles, start=1)))
    return path


def run(folder, smiles, config=LENIENT, *, test=None, seed=1):
    """Prepare molecules, and return the molecules, the rejects and the summary as they stand in the files."""
    inputs = [write(folder / "in.smi", smiles)]
    test_input = None if test is None else write(folder / "test.smi", test)
    prepare(inputs, folder / "out", config, seed, test_input=test_input)
    return (
        read_table(folder / "out" / "molecules.parquet"),
        pd.read_csv(folder / "out" / "rejected.csv", keep_default_na=False),
        json.loads((folder / "out" / "summary.json").read_text()),
    )


def test_molecules_keep_their_order_and_names(tmp_path):
    molecules, rejected, summary = run(tmp_path, DEMO[:40])
    assert list(molecules.columns) == ["id", "smiles", "selfies", "split"]
    assert list(molecules.id) == [f"m{n}" for n in range(1, 41)]
    assert list(rejected.columns) == ["source", "line", "input", "reason", "detail"]
    assert summary["read"] == summary["kept"] == 40
    assert summary["splits"] == molecules.split.value_counts().to_dict()


def test_a_reject_stands_with_its_place_and_reason(tmp_path):
    _, rejected, summary = run(tmp_path, ["C1CC", *DEMO[:20], "CC[As](C)C", DEMO[3]])
    source = str(tmp_path / "in.smi")
    assert rejected.to_numpy().tolist() == [
        [source, 1, "C1CC", "not a molecule", "not SMILES"],
        [source, 22, "CC[As](C)C", "element", "As"],
        [source, 23, DEMO[3], "duplicate", "of m5"],
    ]
    assert summary["duplicates"] == 1
    assert summary["rejected"]["element"] == 1


def test_the_same_molecule_drawn_otherwise_is_a_duplicate(tmp_path):
    molecules, rejected, _ = run(tmp_path, [*DEMO[:20], "CC(=O)[O-].[Na+]", "OC(C)=O"])
    assert list(molecules.smiles).count("CC(=O)O") == 1
    assert list(rejected.reason) == ["duplicate"]


def test_test_molecules_come_last_and_are_dropped_from_the_input(tmp_path):
    molecules, rejected, _ = run(tmp_path, DEMO[:40], test=[*DEMO[30:45], DEMO[30]])
    in_test = molecules[molecules.split == "test"]
    assert list(in_test.index) == list(range(30, 30 + len(in_test)))
    assert molecules.smiles.is_unique
    assert set(molecules.split) == {"train", "validation", "test"}
    duplicates = rejected[rejected.reason == "duplicate"]
    assert list(duplicates.line) == [*range(31, 41), 16]


def test_rejects_of_many_chunks_stand_in_the_order_of_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("molvae.chem.parallel.CHUNK_SIZE", 10)
    _, rejected, _ = run(tmp_path, [*DEMO[:55], "CC("], test=["CC(", *DEMO[60:75]])
    assert list(zip(rejected.source, rejected.line, strict=True)) == [
        (str(tmp_path / "in.smi"), 56),
        (str(tmp_path / "test.smi"), 1),
    ]


def test_held_out_molecules_with_tokens_of_their_own_are_rejected(tmp_path):
    molecules, rejected, _ = run(tmp_path, DEMO[:40], test=[*DEMO[40:60], "CC[Si](C)(C)C"])
    vocabulary = Vocabulary(tuple(json.loads((tmp_path / "out" / "vocabulary.json").read_text())["tokens"]))
    assert ("rare token", "[Si]") in zip(rejected.reason, rejected.detail, strict=True)
    assert vocabulary == Vocabulary.from_selfies(molecules.selfies[molecules.split == "train"])
    for selfies in molecules.selfies:
        vocabulary.encode(selfies)


def test_scaffold_split_keeps_scaffolds_together(tmp_path):
    from molvae.chem.molecules import parse
    from molvae.chem.scaffolds import murcko_scaffold

    molecules, _, _ = run(tmp_path, DEMO[:200], PrepareConfig(split="scaffold", test_fraction=0.2, max_rejected=1))
    scaffold = molecules.smiles.map(lambda smiles: murcko_scaffold(parse(smiles)))
    assert molecules.split.groupby(scaffold).nunique().max() == 1
    assert set(molecules.split) == {"train", "validation", "test"}


messy = st.sampled_from(
    [
        *DEMO[:25],
        "CC(=O)[O-].[Na+]",
        "C[N+](C)(C)C.[Cl-]",
        "[2H]C([2H])O",
        "CC[Hg]CC",
        "C[CH]C",
        "C",
        "C" * 70,
        "CC(",
        "nonsense",
        "CN(=C)=C",
        "C*C",
        "CCI(=O)=O",
        "é",
        "|x|",
        '"',
        "C,C",
    ]
)


@given(st.lists(messy, max_size=40), st.lists(messy, max_size=10))
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_kept_or_rejected_exactly_once(tmp_path, inputs, test):
    # Enough good ones that the file as such is fit for use.
    inputs, test = [*DEMO[100:160], *inputs], [*DEMO[160:180], *test]
    molecules, rejected, summary = run(tmp_path, inputs, test=test)
    rows = [(str(tmp_path / "in.smi"), n) for n in range(1, len(inputs) + 1)]
    rows += [(str(tmp_path / "test.smi"), n) for n in range(1, len(test) + 1)]
    gone = list(zip(rejected.source, rejected.line, strict=True))
    assert gone == [row for row in rows if row in set(gone)]
    assert len(set(gone)) == len(gone)
    assert summary["read"] == len(rows) == len(molecules) + len(rejected)
    assert summary["read"] == summary["kept"] + summary["duplicates"] + sum(summary["rejected"].values())
    assert list(molecules.id) == [f"m{line}" for source, line in rows if (source, line) not in set(gone)]
    assert set(rejected.reason) <= {reason.value for reason in Reason}
    assert molecules.smiles.is_unique


def test_outputs_do_not_depend_on_the_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("molvae.chem.parallel.FEWEST_FOR_A_POOL", 0)
    monkeypatch.setattr("molvae.chem.parallel.CHUNK_SIZE", 30)
    path = write(tmp_path / "in.smi", [*DEMO, "CC(", "CCO", "CCO"])
    for n_jobs in (1, 2):
        prepare([path], tmp_path / str(n_jobs), PrepareConfig(), 1, n_jobs=n_jobs)
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_the_seed_decides_the_split_only(tmp_path):
    one, again, other = (run(tmp_path, DEMO[:100], seed=seed)[0] for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.split.equals(other.split)
    assert set(one.smiles) == set(other.smiles)


def test_several_inputs_are_read_in_order(tmp_path):
    paths = [write(tmp_path / f"{n}.smi", DEMO[20 * n : 20 * n + 20]) for n in (1, 0)]
    prepare(paths, tmp_path / "out", LENIENT, 1)
    molecules = read_table(tmp_path / "out" / "molecules.parquet")
    assert list(molecules.id[:1]) + list(molecules.id[-1:]) == ["m1", "m20"]
    assert len(molecules) == 40


def test_too_many_rejects_stop_the_stage_with_the_reason_and_examples(tmp_path):
    with pytest.raises(DataError, match=r"prepare\.max_rejected") as error:
        run(tmp_path, [*DEMO[:20], "CC(", "CC[As](C)C", "x1", "x2", "x3", "x4"], PrepareConfig(max_rejected=0.2))
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'in.smi'}: expected at most 20% of the rows rejected")
    assert "found 23.1% (6 of 26); 5 of them for the reason 'not a molecule'" in message
    assert "line 21 'CC('" in message
    assert message.count("line ") == 3
    assert not (tmp_path / "out").exists()


def test_a_bad_test_file_is_not_hidden_by_a_good_input(tmp_path):
    with pytest.raises(DataError, match=r"test\.smi: expected at most"):
        run(tmp_path, DEMO[:100], PrepareConfig(), test=["x"] * 5)


def test_duplicates_are_not_bad_rows(tmp_path):
    _, _, summary = run(tmp_path, DEMO[:20] * 5, PrepareConfig(max_rejected=0.0))
    assert summary["duplicates"] == 80


def test_too_few_molecules_are_refused(tmp_path):
    with pytest.raises(DataError, match="at least 10 distinct valid molecules, found 2"):
        run(tmp_path, ["CCO", "CCN", "CC("])


def test_an_impossible_element_is_a_wrong_setting(tmp_path):
    with pytest.raises(ConfigError, match=r"prepare\.elements.*'Xx'"):
        run(tmp_path, DEMO[:20], PrepareConfig(elements=["C", "Xx"]))


def test_control_characters_do_not_break_the_table_of_rejects(tmp_path):
    (tmp_path / "in.csv").write_text("smiles\n" + "\n".join(DEMO[:20]) + '\n"C\rC\nC"\n')
    prepare([tmp_path / "in.csv"], tmp_path / "out", LENIENT, 1)
    lines = (tmp_path / "out" / "rejected.csv").read_bytes().splitlines()
    assert len(lines) == 2
    assert b"C\\rC\\nC" in lines[1]
