"""Laws of preparation, on generated files of every format: nothing is lost, and what comes out is what it should be."""

import bz2
import csv
import gzip
import io
import json
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.chem.reading import read_molecules
from molvae.chem.selfies_codec import selfies_constraints, selfies_to_smiles
from molvae.config import PrepareConfig
from molvae.files import read_table
from molvae.prepare import prepare
from molvae.prepare.convert import Reason
from molvae.vocabulary import split_selfies

GOOD = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:120]
ODD = [
    "CC(=O)[O-].[Na+]",
    "CC(=O)O[K]",
    "C[N+](C)(C)CCO.[Cl-]",
    "[2H]C([2H])([2H])CCO",
    "C[C@H](N)C(=O)O",
    "C/C=C/C(=O)O",
    "CS(=O)(=O)c1ccccc1",
    "C[S+]([O-])CC",
    "CC[Hg]CC",
    "CC[CH]CC",
    "C1CCCCCCCCC1",
    "CCI(=O)=O",
    "c1ccccc1N=Nc1ccccc1",
    "CC(",
    "nonsense",
    "C" * 90,
    "C*C",
    "C",
]
# What follows a SMILES after a blank: remarks, extensions that say which stereochemistry, and that it is several.
AFTER = [
    "",
    "",
    "",
    " (1:1)",
    " CCO",
    " see page 4",
    " |a:1|",
    " |&1:1|",
    " |o1:0|",
    " |Sg:n:1:n:ht|",
    " |LN:1:1.3|",
    " |",
]
smiles = st.one_of(
    st.sampled_from(GOOD), st.sampled_from(ODD), st.builds(str.__add__, st.sampled_from(GOOD), st.sampled_from(AFTER))
)
text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
cell = st.one_of(smiles, st.sampled_from(["", "NaN", "null", " CCO ", '"', "a,b", "C\nC"]), text)
configs = st.builds(
    PrepareConfig,
    max_rejected=st.just(1.0),
    max_heavy_atoms=st.sampled_from([12, 20, 60]),
    max_mol_weight=st.sampled_from([None, 250.0]),
    max_ring_size=st.sampled_from([None, 6]),
    max_charge=st.sampled_from([None, 0]),
    filters=st.sampled_from([[], ["PAINS"], ["MOSES"]]),
    max_selfies_length=st.sampled_from([30, 100]),
    min_token_molecules=st.sampled_from([1, 3]),
    stereo=st.sampled_from(["keep", "drop", "enumerate"]),
    max_stereoisomers=st.sampled_from([1, 2, 8]),
    neutralise=st.booleans(),
    canonical_tautomer=st.sampled_from([False, False, True]),
    selfies_constraints=st.sampled_from(["default", "octet_rule", "hypervalent"]),
    validation_fraction=st.just(0.2),
    test_fraction=st.just(0.2),
)
many = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def prepared(path, config):
    out = path.parent / "out"
    prepare([path], out, config, 1)
    rejected = pd.read_csv(out / "rejected.csv", keep_default_na=False)
    summary = json.loads((out / "summary.json").read_text())
    return read_table(out / "molecules.parquet"), rejected, summary


def check_nothing_lost(lines, molecules, rejected, summary):
    """Every row, given by its line, is in the output or among the rejects, once; so is each stereoisomer of it."""
    kept = [int(name.rsplit(":", 1)[1].partition("#")[0]) for name in molecules.id]
    accounted = sorted([*kept, *rejected.line])
    assert sorted(set(accounted)) == lines
    assert summary["read"] == len(lines) == len(accounted) - summary["stereoisomers"]
    assert len(accounted) == summary["kept"] + summary["duplicates"] + sum(summary["rejected"].values())
    assert summary["rejected"] | {"duplicate": summary["duplicates"]} == {
        reason.value: int((rejected.reason == reason.value).sum()) for reason in Reason
    }
    assert summary["splits"] == {split: int((molecules.split == split).sum()) for split in summary["splits"]}


def check_molecules(molecules, config):
    """Every molecule is canonical, decodes from its SELFIES, and obeys what the settings ask."""
    assert molecules.smiles.is_unique
    with quiet(), selfies_constraints(config.selfies_constraints):
        for molecule in molecules.itertuples():
            mol = Chem.MolFromSmiles(molecule.smiles)
            assert canonical_smiles(molecule.smiles) == molecule.smiles == selfies_to_smiles(molecule.selfies)
            assert config.min_heavy_atoms <= mol.GetNumHeavyAtoms() <= config.max_heavy_atoms
            assert len(split_selfies(molecule.selfies)) <= config.max_selfies_length
            assert {atom.GetSymbol() for atom in mol.GetAtoms()} <= {*config.elements, "H"}
            assert config.stereo != "drop" or not set("@/\\") & set(molecule.smiles)
            assert config.max_charge is None or abs(Chem.GetFormalCharge(mol)) <= config.max_charge
            assert not config.max_ring_size or all(
                len(r) <= config.max_ring_size for r in mol.GetRingInfo().AtomRings()
            )


# Enough plain molecules that every file is fit for use under every setting.
PLAIN = [f"{'C' * a}{atom}{'C' * b}" for atom in "ON" for a in range(2, 5) for b in range(5, 8)]


@given(st.lists(smiles, max_size=25), configs)
@many
def test_smi(tmp_path, rows, config):
    path = tmp_path / "in.smi"
    path.write_text("".join(f"{text}\n\n" for text in [*PLAIN, *rows]))
    molecules, rejected, summary = prepared(path, config)
    check_nothing_lost(list(range(1, 2 * len([*PLAIN, *rows]), 2)), molecules, rejected, summary)
    check_molecules(molecules, config)


@given(
    st.lists(st.lists(cell, min_size=1, max_size=3), max_size=20), st.sampled_from([".csv", ".tsv", ".csv.gz"]), configs
)
@many
def test_delimited(tmp_path, rows, ending, config):
    content, lines = io.StringIO(), []
    writer = csv.writer(content, delimiter="\t" if ending == ".tsv" else ",", lineterminator="\r\n")
    writer.writerow(["smiles", "remark"])
    for row in [*([text, "x"] for text in PLAIN), *rows]:
        if any(cell.strip() for cell in row) or row == [""]:
            lines.append(content.getvalue().replace("\r\n", "\n").count("\n") + 1)
        writer.writerow(row)
    text = content.getvalue()
    path = tmp_path / f"in{ending}"
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode())
    molecules, rejected, summary = prepared(path, config)
    # A row with a line break may be read as several, if these are rows by themselves.
    seen = {*rejected.line, *(int(name.rsplit(":", 1)[1].partition("#")[0]) for name in molecules.id)}
    assert seen >= set(lines)
    within = [line for line in seen - set(lines) if '"' in "".join(text.splitlines()[line - 2 : line])]
    check_nothing_lost(sorted([*lines, *within]), molecules, rejected, summary)
    check_molecules(molecules, config)


# Cells as they are in files without quoting: a quote may be anywhere.
raw_cell = st.one_of(
    smiles.filter(lambda text: "," not in text),
    st.sampled_from(["", '"open', 'inch"', '3" tube', '"whole"', '"', '""', "6,5", ">10", "n.d.", "1_000", "5.5"]),
)


@given(st.lists(st.lists(raw_cell, min_size=1, max_size=4), max_size=25), st.sampled_from(["\t", ";", "|"]), configs)
@many
def test_every_line_of_a_file_without_quoting_has_its_own_row(tmp_path, rows, delimiter, config):
    rows = [*([smiles, "x", f"{n / 4}"] for n, smiles in enumerate(PLAIN)), *rows]
    rows = [[cell.replace("|", "") for cell in row] if delimiter == "|" else row for row in rows]
    path = tmp_path / ("in.tsv" if delimiter == "\t" else "in.csv")
    path.write_text("".join(f"{delimiter.join(row)}\n" for row in [["smiles", "remark", "pKi"], *rows]))
    lines = [line for line, row in enumerate(rows, start=2) if not {"", '""'}.issuperset(row) or row == ['""']]
    molecules, rejected, summary = prepared(path, config.model_copy(update={"properties": {"pKi": "M"}}))
    check_nothing_lost(lines, molecules, rejected, summary)
    check_molecules(molecules, config)
    if config.stereo != "enumerate":
        check_values(rows, molecules, rejected)


def check_values(rows, molecules, rejected):
    """Every molecule has the mean of the numbers in its own rows, and of no others."""
    own = {name: {int(name.rsplit(":", 1)[1])} for name in molecules.id}
    for row in rejected[rejected.reason == "duplicate"].itertuples():
        own.setdefault(row.detail.removeprefix("of "), set()).add(row.line)
    for row in molecules.itertuples():
        cells = [rows[line - 2][2] if len(rows[line - 2]) > 2 else "" for line in sorted(own[row.id])]
        values = [float(text.replace(",", ".")) for text in cells if re.fullmatch(r"[0-9]+[.,][0-9]+", text)]
        value = molecules.loc[row.Index, "property.pKi"]
        assert value == pytest.approx(sum(values) / len(values)) if values else pd.isna(value)
        assert molecules.loc[row.Index, "n_values.pKi"] == len(values)


@given(st.lists(st.one_of(st.none(), cell), max_size=20), configs)
@many
def test_parquet(tmp_path, rows, config):
    path = tmp_path / "in.parquet"
    rows = [*PLAIN, *rows]
    pd.DataFrame({"smiles": pd.Series(rows, dtype="str")}).to_parquet(path)
    molecules, rejected, summary = prepared(path, config)
    check_nothing_lost(list(range(1, len(rows) + 1)), molecules, rejected, summary)
    check_molecules(molecules, config)


@given(st.lists(st.sampled_from([*GOOD[:20], "broken", "empty", "valence"]), max_size=15), configs)
@many
def test_sdf(tmp_path, rows, config):
    blocks = []
    for row in [*PLAIN, *rows]:
        if row == "valence":
            blocks.append(Chem.MolToMolBlock(Chem.MolFromSmiles("CC(C)(C)C")).replace(" C ", " N "))
        elif row in ("broken", "empty"):
            blocks.append("x\n\n\nno counts\n" if row == "broken" else "\n")
        else:
            blocks.append(Chem.MolToMolBlock(Chem.MolFromSmiles(row)))
    path = tmp_path / "in.sdf.bz2"
    content = "".join(f"{block}$$$$\n" for block in blocks)
    path.write_bytes(bz2.compress(content.encode()))
    molecules, rejected, summary = prepared(path, config)
    starts = [
        1 + "".join(f"{block}$$$$\n" for block in blocks[:n]).count("\n")
        for n in range(len(blocks))
        if blocks[n].strip()
    ]
    # A record with a title goes by it.
    molecules["id"] = [name if ":" in name else f":{starts[0]}" for name in molecules.id]
    check_nothing_lost(starts, molecules, rejected, summary)
    check_molecules(molecules, config)


def test_zst_and_many_files_hold_the_law_too(tmp_path):
    paths = []
    for n in range(4):
        paths.append(tmp_path / f"{n}.smi.zst")
        paths[-1].write_bytes(
            pa.compress("\n".join([*GOOD[20 * n : 20 * n + 30], *ODD]).encode(), "zstd", asbytes=True)
        )
    prepare(paths, tmp_path / "out", PrepareConfig(max_rejected=1.0), 1)
    molecules, rejected = (
        read_table(tmp_path / "out" / "molecules.parquet"),
        pd.read_csv(tmp_path / "out" / "rejected.csv"),
    )
    assert len(molecules) + len(rejected) == 4 * (30 + len(ODD))
    assert not rejected.duplicated(["source", "line"]).any()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"smiles,name\n", "only a header"),
        (b"smiles,smiles\n" + b"CCO,CCN\n" * 20, "several columns of one name that differ: 'CCO' and 'CCN'"),
        (b"smiles\n" + b"CCO x\n" * 20, "text after a blank: 'x'"),
        (b"a,b\nCCO,x\n", "found the columns 'a', 'b'"),
        (b"smiles\n" + b"CC(\n" * 20, "'not a molecule', as line 2 'CC(' (not SMILES)"),
        (b"smiles\n" + b"NaN\n" * 20, "'no structure', as line 2 '' (the cell says NaN)"),
        (b"x,smiles\n" + b"CCO\n" * 20, "1 cells where the header has 2"),
        (b"smiles\nCCO\nCCN\n", "at least 10 distinct valid molecules, found 2"),
        ("smiles\nCCO\n".encode("utf-16"), "UTF-16"),
        (b"smiles\n" + b"CCO\n" * 20 + "CCN é\n".encode("latin-1"), "near line 22"),
        (b"smiles,x\n" + b'CCO,"y\n' * 20, "quotes not in pairs: CCO"),
        (b"\0" * 5000, "mostly zero bytes"),
    ],
)
def test_a_bad_file_is_one_clear_line_and_leaves_nothing(tmp_path, content, said):
    from molvae.errors import ConfigError, DataError

    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises((DataError, ConfigError)) as error:
        prepare([tmp_path / "in.csv"], tmp_path / "out", PrepareConfig(), 1)
    message = str(error.value)
    assert said in message
    assert message.startswith(f"{tmp_path / 'in.csv'}: expected ")
    assert "\n" not in message
    assert not (tmp_path / "out").exists()
