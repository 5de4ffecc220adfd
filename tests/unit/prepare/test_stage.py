import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from molvae.chem.reading import read_molecules
from molvae.chem.standardise import standardise
from molvae.config import PrepareConfig
from molvae.errors import ConfigError, DataError
from molvae.files import read_table
from molvae.prepare import prepare, prepare_shard
from molvae.prepare.blocks import convert_chunk
from molvae.prepare.convert import Reason
from molvae.vocabulary import Vocabulary, split_selfies

DEMO = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:300]
LENIENT = PrepareConfig(max_rejected=1.0)
FILES = ["molecules.parquet", "rejected.csv", "summary.json", "vocabulary.json"]


def write(path, smiles):
    path.write_text("".join(f"{molecule} m{number}\n" for number, molecule in enumerate(smiles, start=1)))
    return path


def run(folder, smiles, config=LENIENT, *, test=None, seed=1):
    """Prepare molecules, and return the molecules, the rejects and the summary as they are in the files."""
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
    assert list(rejected.columns) == ["source", "line", "input", "reason", "detail", "id"]
    assert summary["read"] == summary["kept"] == 40
    assert summary["splits"] == molecules.split.value_counts().to_dict()


def test_a_reject_stands_with_its_place_and_reason(tmp_path):
    _, rejected, summary = run(tmp_path, ["C1CC", *DEMO[:20], "CC[As](C)C", DEMO[3]])
    source = str(tmp_path / "in.smi")
    assert rejected.to_numpy().tolist() == [
        [source, 1, "C1CC", "not a molecule", "not SMILES", "m1"],
        [source, 22, "CC[As](C)C", "element", "As", "m22"],
        [source, 23, DEMO[3], "duplicate", "of m5", "m23"],
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
    monkeypatch.setattr("molvae.parallel.CHUNK_SIZE", 10)
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
    monkeypatch.setattr("molvae.parallel.MIN_FOR_A_POOL", 0)
    monkeypatch.setattr("molvae.parallel.CHUNK_SIZE", 30)
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
    assert not any((tmp_path / "out").rglob("*"))


def test_a_stage_that_must_fail_does_not_go_on_to_the_last_row(tmp_path, small_blocks, monkeypatch):
    converted = []

    def counting(records, config, decimal_commas):
        converted.extend(records)
        return convert_chunk(records, config)

    monkeypatch.setattr("molvae.prepare.blocks.convert_chunk", counting)
    with pytest.raises(DataError, match=r"found at least 25\.0% \(50 of 200\); 50 of them for the reason"):
        run(tmp_path, ["CC("] * 80 + DEMO[:120], PrepareConfig(max_rejected=0.2))
    assert len(converted) < 100
    assert not any((tmp_path / "out").rglob("*"))


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
    (tmp_path / "in.csv").write_text("smiles,x\n" + ",\n".join(DEMO[:20]) + ',\n"C\x7fC\nC",\n')
    prepare([tmp_path / "in.csv"], tmp_path / "out", LENIENT, 1)
    lines = (tmp_path / "out" / "rejected.csv").read_bytes().splitlines()
    assert len(lines) == 2
    assert b"C\\x7fC\\nC" in lines[1]


def all_bytes(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("molvae.prepare.blocks.BLOCK_SIZE", 25)
    monkeypatch.setattr("molvae.prepare.duplicates.ROWS_AT_A_TIME", 70)
    monkeypatch.setattr("molvae.parallel.CHUNK_SIZE", 10)


MESSY_ROWS = [*DEMO[:120], "CC(", *DEMO[50:70], "CC[As](C)C", *DEMO[120:160], "nonsense"]


def test_one_shard_or_many_give_the_same_bytes(tmp_path, small_blocks):
    inputs, test = [write(tmp_path / "in.smi", MESSY_ROWS)], write(tmp_path / "test.smi", DEMO[150:200])
    prepare(inputs, tmp_path / "one", LENIENT, 1, test_input=test)
    for number in range(16, 0, -1):
        prepare_shard(inputs, tmp_path / "many", LENIENT, (number, 16), test_input=test)
    with pytest.MonkeyPatch.context() as patch:
        # All rows are converted by then: only the gathering is left.
        patch.setattr("molvae.prepare.blocks.convert_chunk", None)
        prepare(inputs, tmp_path / "many", LENIENT, 1, test_input=test)
    assert all_bytes(tmp_path / "many") == all_bytes(tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == FILES


def test_a_shard_out_of_range_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="from 1 to 4, found 5"):
        prepare_shard([write(tmp_path / "in.smi", DEMO[:20])], tmp_path / "out", LENIENT, (5, 4))


def test_a_killed_run_goes_on_where_it_was(tmp_path, small_blocks, monkeypatch):
    inputs = [write(tmp_path / "in.smi", MESSY_ROWS)]
    prepare(inputs, tmp_path / "whole", LENIENT, 1)
    calls = []

    def counting(records, config, decimal_commas):
        calls.append(len(records))
        if len(calls) == 10:
            raise KeyboardInterrupt
        return convert_chunk(records, config)

    monkeypatch.setattr("molvae.prepare.blocks.convert_chunk", counting)
    with pytest.raises(KeyboardInterrupt):
        prepare(inputs, tmp_path / "out", LENIENT, 1)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["resume"]
    prepare(inputs, tmp_path / "out", LENIENT, 1)
    assert sum(calls) < 1.2 * len(MESSY_ROWS)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "whole")


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-20], lambda whole: flipped(whole)])
def test_a_damaged_block_is_told_and_made_anew(tmp_path, small_blocks, caplog, damage):
    inputs = [write(tmp_path / "in.smi", DEMO[:60])]
    prepare(inputs, tmp_path / "whole", LENIENT, 1)
    prepare_shard(inputs, tmp_path / "out", LENIENT, (1, 2))
    block = min((tmp_path / "out" / "resume").glob("*/*.parquet"))
    block.write_bytes(damage(block.read_bytes()))
    prepare(inputs, tmp_path / "out", LENIENT, 1)
    assert f"{block}: expected what an earlier run has left, found a damaged file" in caplog.text
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "whole")


def flipped(content):
    """Return bytes of which one bit of the first column is another."""
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]


def test_what_was_done_for_other_settings_or_files_is_not_gone_on_with(tmp_path, small_blocks):
    path = write(tmp_path / "in.smi", DEMO[:60])
    prepare_shard([path], tmp_path / "out", LENIENT, (1, 2))
    molecules, _, _ = run(tmp_path, DEMO[:60], PrepareConfig(stereo="drop", max_heavy_atoms=18, max_rejected=1.0))
    other = tmp_path / "other"
    other.mkdir()
    expected, _, _ = run(other, DEMO[:60], PrepareConfig(stereo="drop", max_heavy_atoms=18, max_rejected=1.0))
    assert list(molecules.smiles) == list(expected.smiles)


def test_what_another_molvae_has_done_is_not_gone_on_with(tmp_path, small_blocks):
    inputs = [write(tmp_path / "in.smi", DEMO[:60])]
    prepare(inputs, tmp_path / "whole", LENIENT, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("molvae.prepare.blocks.software", lambda: {"molvae": "0.1.0", "source": "older"})
        patch.setattr("molvae.prepare.convert.standardise", lambda _, steps: standardise("CCO", steps))
        prepare_shard(inputs, tmp_path / "out", LENIENT, (1, 2))
    prepare(inputs, tmp_path / "out", LENIENT, 1)
    assert all_bytes(tmp_path / "out") == all_bytes(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".molecules.4711.partial.parquet").write_text("half")
    run(tmp_path, DEMO[:40])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_kill_at_any_moment_leaves_whole_files_or_none(tmp_path):
    inputs = write(tmp_path / "in.smi", DEMO)
    code = (
        "import sys\nfrom pathlib import Path\nimport molvae.prepare.blocks as blocks\n"
        "from molvae.config import PrepareConfig\nfrom molvae.prepare import prepare\nblocks.BLOCK_SIZE = 40\n"
        "print('begin', flush=True)\nprepare([Path(sys.argv[1])], Path(sys.argv[2]), PrepareConfig(), 1)\n"
    )
    command = [sys.executable, "-c", code, str(inputs), str(tmp_path / "out")]
    for wait in (0.05, 0.25, 0.5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        whole = [path.name for path in (tmp_path / "out").glob("*.*") if not path.name.startswith(".")]
        for name in whole:
            assert name in FILES
        if "molecules.parquet" in whole:
            assert len(read_table(tmp_path / "out" / "molecules.parquet")) == len(DEMO)
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES


def test_measured_properties_are_carried_along(tmp_path):
    rows = "".join(f"{smiles},{n / 10},{'' if n % 2 else n}\n" for n, smiles in enumerate(DEMO[:40]))
    (tmp_path / "in.csv").write_text("smiles,pIC50,Ki\n" + rows + f"{DEMO[40]},>10,nan\n")
    config = PrepareConfig(properties={"pIC50": "-log10 M", "Ki": "nM"})
    summary = prepare([tmp_path / "in.csv"], tmp_path / "out", config, 1)
    molecules = read_table(tmp_path / "out" / "molecules.parquet")
    assert list(molecules.columns) == [
        *("id", "smiles", "selfies", "split"),
        *(f"{prefix}.{name}" for prefix in ("property", "n_values", "sd", "censored") for name in ("pIC50", "Ki")),
    ]
    assert molecules["censored.pIC50"].dropna().tolist() == [">10"]
    assert molecules["property.pIC50"].iloc[3] == 0.3
    assert molecules["property.pIC50"].isna().sum() == 1
    assert summary.properties["pIC50"].n == 40
    assert (summary.properties["pIC50"].censored, summary.properties["pIC50"].not_numbers) == (1, 0)
    assert summary.properties["Ki"].n == 20
    assert summary.properties["Ki"].not_numbers == 0
    assert (summary.properties["Ki"].unit, summary.properties["Ki"].maximum) == ("nM", 38.0)


def test_a_column_can_decide_the_split(tmp_path):
    names = ["train", "Valid", "test", "train", "train"]
    rows = "".join(f"{smiles},{names[n % 5]}\n" for n, smiles in enumerate(DEMO[:40]))
    (tmp_path / "in.csv").write_text("smiles,fold\n" + rows + f"{DEMO[40]},later\n")
    prepare([tmp_path / "in.csv"], tmp_path / "out", PrepareConfig(split="column", split_column="fold"), 1)
    molecules = read_table(tmp_path / "out" / "molecules.parquet")
    rejected = pd.read_csv(tmp_path / "out" / "rejected.csv")
    asked = [
        names[int(n) % 5].lower().replace("valid", "validation")
        for n in molecules.id.str.split(":").str[1].astype(int) - 2
    ]
    assert list(molecules.split) == asked
    assert rejected[["line", "reason", "detail"]].to_numpy().tolist()[-1] == [42, "no split", "later"]


def test_tokens_that_too_few_molecules_have_reject_them(tmp_path):
    config = PrepareConfig(min_token_molecules=3, max_rejected=1.0)
    molecules, rejected, summary = run(tmp_path, [*DEMO[:60], "CC[Si](C)(C)C", "CCC[Si](C)(C)C"], config)
    rare = rejected[rejected.reason == "rare token"]
    assert list(rare.detail[-2:]) == ["[Si]", "[Si]"]
    assert summary["rejected"]["rare token"] == len(rare)
    counts = Counter(token for selfies in molecules.selfies for token in set(split_selfies(selfies)))
    assert Vocabulary.from_selfies(molecules.selfies).tokens[3:] == tuple(sorted(counts))


def test_leakage_between_the_splits_is_measured(tmp_path):
    _, _, summary = run(tmp_path, DEMO[:200], PrepareConfig(max_rejected=1.0, test_fraction=0.2))
    assert set(summary["leakage"]) == {"validation", "test"}
    test = summary["leakage"]["test"]
    assert (test["n"], test["n_train"]) == (summary["splits"]["test"], summary["splits"]["train"])
    assert 0.0 < test["median"] <= test["maximum"] <= 1.0


def test_the_schema_is_fixed_and_the_rows_come_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("molvae.prepare.write.ROW_GROUP", 15)
    run(tmp_path, DEMO[:40])
    file = pq.ParquetFile(tmp_path / "out" / "molecules.parquet")
    assert file.schema_arrow.equals(pa.schema({name: pa.string() for name in ["id", "smiles", "selfies", "split"]}))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [15, 15, 10]


def test_an_empty_folder_of_the_users_is_there_after_a_failure(tmp_path):
    (tmp_path / "bad.smi").write_text("this is\nnot a list\nof molecules\n")
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError):
        prepare([tmp_path / "bad.smi"], tmp_path / "out", PrepareConfig(), 1)
    assert (tmp_path / "out").is_dir()
