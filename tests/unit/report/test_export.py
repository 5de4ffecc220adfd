"""What the page's own export makes of texts, compared with what molvae writes itself."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import molvae.report
from molvae.text import one_line, spreadsheet_safe

EXPORT = Path(molvae.report.__file__).parent / "templates" / "export.js"
TEXTS = [
    *("=cmd|' /C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "=1\r+2", "a\rb"),
    *("-5.1", "+3", "-inf", "-5,3", "+1.234,5", "+++", "-", "C[NH3+]", "[O-]C=O", "(-)-menthol", "'=1", "-2e5", "+NaN"),
    *("a\n$$$$\nb", "\u2028\x1b]0;title\x07", "\u202eabc", "\U000e0001", "β-\xa0Ionon, 96 %", "😀"),
]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js, found none")
def test_texts_are_made_harmless_as_molvae_does():
    script = f"{EXPORT.read_text()}; const texts = {json.dumps(TEXTS)};"
    script += "console.log(JSON.stringify([texts.map(withoutFormula), texts.map(oneLine)]));"
    run = subprocess.run(["node", "--eval", script], capture_output=True, encoding="utf-8", timeout=60, check=True)
    cells, lines = json.loads(run.stdout)
    assert cells == spreadsheet_safe(pd.DataFrame({"a": TEXTS}))["a"].tolist()
    assert lines == list(map(one_line, TEXTS))


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js, found none")
def test_a_value_puts_no_record_into_an_sd_file_and_no_formula_into_a_table():
    rows = [{"id": "$$$$", "smiles": "C", "sketch": "", "values": ["a\n$$$$\nb", "$$$$", "=1", 2.5, None]}]
    fields = ["=x", "y\n$$$$", "z", "n", "none"]
    script = f"const molBlock = (_, name) => name; {EXPORT.read_text()}; const rows = {json.dumps(rows)};"
    script += f"console.log(JSON.stringify([asSdf, asCsv].map((as) => as({json.dumps(fields)}, rows))));"
    run = subprocess.run(["node", "--eval", script], capture_output=True, encoding="utf-8", timeout=60, check=True)
    sdf, table = json.loads(run.stdout)
    assert [line for line in sdf.splitlines() if line.startswith("$$$$")] == ["$$$$"]
    assert sdf.endswith("\n$$$$\n")
    assert table.startswith("'=x,")
    assert table.endswith("$$$$,'=1,2.5,\n")
