"""A report built from molecules whose names, and all other texts, try to run in the browser that shows it."""

import io
import json
import re

import pandas as pd
import pytest
import yaml

from molvae.config import load_config
from molvae.files import read_json, read_table, write_json, write_table
from molvae.report import report
from tests.browser.conftest import CHROMIUM
from tests.fixtures.run_folder import build_run_folder

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, found none"),
]

HOSTILE = [
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    '" autofocus onfocus="window.pwned = 1" x="',
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}{% raw %}",
    "<svg onload=window.pwned=1>",
    "]]></style><script>window.pwned = 1</script>",
    "=1+cmd|'/C calc'!A0",
    "x\n$$$$\nINJECTED",
]
# What is computed with, or names files, and is refused elsewhere if it is anything else.
KEPT = {"smiles", "canonical_smiles", "decoded", "nearest_train_smiles", "selfies", "split", "status", "scaffold"}


def poison(table):
    """Return a table with hostile text in every column of text that is not computed with."""
    texts = [name for name in table if name not in KEPT and pd.api.types.is_string_dtype(table[name])]
    return table.assign(**{name: [HOSTILE[row % len(HOSTILE)] for row in range(len(table))] for name in texts})


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = build_run_folder(tmp_path_factory.mktemp("run"))
    for file in [*folder.rglob("*.csv"), *folder.rglob("*.parquet")]:
        write_table(file, poison(read_table(file)))
    for number, name in enumerate(["sample", "demo"]):
        file = folder / "score" / name / "molecules.csv"
        table = read_table(file)
        write_table(file, table.assign(nearest_train_id=HOSTILE[number], problem=HOSTILE[number + 2]))
    summary = read_json(folder / "optimize" / "demo" / "summary.json")
    summary["objective"] |= {"description": HOSTILE[1]}
    summary["objective"]["terms"][2]["description"] = HOSTILE[2]
    summary["objective"]["constraints"].append({"alerts": HOSTILE})
    write_json(folder / "optimize" / "demo" / "summary.json", summary)
    prepared = read_json(folder / "prepare" / "summary.json")
    prepared["rejected"] |= dict.fromkeys(HOSTILE, 1)
    prepared["properties"] = {text: prepared["properties"]["pIC50"] | {"unit": text} for text in HOSTILE}
    prepared["software"] = {"source": HOSTILE[1]}
    write_json(folder / "prepare" / "summary.json", prepared)
    settings = yaml.safe_load((folder / "config" / "report.yaml").read_text())
    settings["report"]["title"] = "".join(HOSTILE)
    settings["prepare"]["input"] = HOSTILE
    (folder / "config" / "report.yaml").write_text(yaml.safe_dump(settings))
    (folder / "config" / "prepare.yaml").unlink()
    return report(folder, load_config(folder / "config" / "report.yaml"))


def test_nothing_of_the_data_runs_or_loads(opened, html):
    pages = [html, *sorted((html.parent / "report" / "figures").glob("*.html"))]
    for file in pages:
        page = opened(file)
        page.wait_for_timeout(300)
        assert page.evaluate("window.pwned") is None, file
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("svg[onload]").count() == 0
        assert page.locator("[onfocus], [onerror]").count() == 0
        assert page.locator("a[href^=javascript]").count() == 0


def test_the_hostile_text_is_shown_as_text(opened, html):
    page = opened(html)
    text = page.locator("body").inner_text()
    assert HOSTILE[1] in text
    assert "49" not in page.title()
    assert page.title().startswith("<script>")


def test_what_is_saved_has_no_formula_and_no_record_of_others(opened, html, tmp_path):
    from tests.browser.test_candidates import saved

    page = opened(html)
    table = pd.read_csv(io.StringIO(saved(page, "csv", "all")[1]), dtype=str, keep_default_na=False)
    texts = [text for column in table.columns for text in [column, *table[column]]]
    assert "'=1+cmd|'/C calc'!A0" in texts
    assert not any(re.match(r"[=@\t]|[-+][^-+0-9.,]", text) for text in texts)
    sdf = saved(page, "sdf", "all")[1]
    assert sdf.splitlines().count("$$$$") == len(table)
    assert not re.search(r"^INJECTED", sdf, flags=re.MULTILINE)


def test_the_figures_embed_the_text_as_json_that_ends_no_script(html):
    assert "</script><script>window.pwned" not in html.read_text()
    assert json.dumps(HOSTILE[1])[1:-1] not in html.read_text()
