"""The table of candidates in a browser: sorted, filtered, ticked, saved, and linked with its plots."""

import csv
import io

import pandas as pd
import pytest
from rdkit import Chem

from molvae.config import RunConfig
from molvae.report import report
from molvae.report.substructures import FUNCTIONAL_GROUPS
from tests.fixtures.run_folder import build_run_folder

pytestmark = pytest.mark.browser

UNUSUAL = [
    "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "C/C=C/C(=O)O", "C/C=C\\C(=O)O", "CC=CC(=O)O", "C[N+](C)(C)CC(=O)[O-]",
    "N#Cc1cc[nH]c1", "O=[N+]([O-])c1ccccc1", "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O", "Clc1nc2ccccc2s1",
    "C[C@]12CC[C@H]3[C@@H](CCc4cc(O)ccc43)[C@@H]1CC[C@@H]2O", "CS(=O)(=O)N", "F/C=C/F", "C1CC2CCC1CC2", "C#CCN",
    "OB(O)c1ccccc1", "CC(C)(C)[Si](C)(C)O", "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC=O",
    "Brc1ccc(I)cc1", "CP(=O)(O)O",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_run_folder(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def html(folder):
    return report(folder, RunConfig())


@pytest.fixture
def page(opened, html):
    return opened(html)


def column(page, key):
    place = page.locator(".sortable thead th").evaluate_all(
        f"cells => cells.findIndex((cell) => cell.dataset.key === '{key}')"
    )
    return page.locator(f".sortable tbody tr > :nth-child({place + 1})").all_text_contents()


def numbers(page, key):
    return [float(text.replace(",", "").replace("−", "-")) for text in column(page, key)]


def heading(page, key):
    return page.locator(f".sortable thead th[data-key='{key}']")


def saved(page, fmt, scope):
    page.locator(".scope").select_option(scope)
    with page.expect_download() as download:
        page.locator(f"[data-format={fmt}]").click()
    return download.value.suggested_filename, download.value.path().read_text()


def test_the_best_come_first_and_a_click_on_a_heading_sorts(page):
    assert heading(page, "score").get_attribute("aria-sort") == "descending"
    assert numbers(page, "score") == sorted(numbers(page, "score"), reverse=True)
    heading(page, "mol_weight").locator("button").click()
    assert numbers(page, "mol_weight") == sorted(numbers(page, "mol_weight"))
    heading(page, "mol_weight").locator("button").click()
    assert numbers(page, "mol_weight") == sorted(numbers(page, "mol_weight"), reverse=True)
    assert heading(page, "mol_weight").get_attribute("aria-sort") == "descending"


def test_ties_are_decided_by_the_targets_met(page):
    page.locator(".sort").select_option("passes_filters")
    rows = list(zip(column(page, "passes_filters"), numbers(page, "targets_met"), strict=True))
    for kind in ("pass", "fail"):
        met = [value for text, value in rows if text == kind]
        assert met == sorted(met, reverse=True)


def test_the_filter_looks_at_the_candidate_alone(page, folder):
    table = pd.read_csv(folder / "optimize" / "demo" / "candidates.csv")
    page.locator("input.text").fill(table["nearest_train_smiles"][0])
    assert page.locator(".sortable tbody tr").count() == 0
    page.locator("input.text").fill("S(")
    assert page.locator(".sortable tbody tr").count() == table["smiles"].str.contains("S(", regex=False).sum()
    page.locator("input.text").fill("Nitrile")
    assert page.locator(".sortable tbody tr").count() == table["smiles"].str.contains("C#N", regex=False).sum()
    page.locator("input.text").fill("n1CCCC")
    assert page.locator(".status").text_content() == "0 of 20 candidates, 0 ticked"


def test_ranges_leave_what_lies_within(page):
    page.locator(".ranges > summary").click()
    # What is shown is rounded.
    middle = sorted(numbers(page, "mol_weight"))[10] - 0.06
    page.get_by_label("Molecular weight, least").fill(str(middle))
    assert page.locator(".sortable tbody tr").count() == 10
    assert min(numbers(page, "mol_weight")) >= middle
    page.locator(".reset").click()
    assert page.locator(".sortable tbody tr").count() == 20


def test_substructures_leave_what_has_them_all(page):
    page.locator(".substructures > summary").click()
    names = ["amide", "ether"]
    for name in names:
        page.get_by_label(f"{name} (", exact=False).first.check()
    shown = [
        Chem.MolFromSmiles(text)
        for text in page.locator(".sortable tbody tr td.of-molecule:nth-child(4) code").all_text_contents()
    ]
    patterns = [Chem.MolFromSmarts(FUNCTIONAL_GROUPS[name]) for name in names]
    assert 0 < len(shown) < 20
    assert all(mol.HasSubstructMatch(pattern) for mol in shown for pattern in patterns)


def test_ticks_are_kept_and_can_be_shown_alone(page):
    page.locator(".sortable tbody input").nth(2).check()
    page.locator(".sortable tbody input").nth(5).check()
    ids = [column(page, "id")[place] for place in (2, 5)]
    page.reload()
    assert page.locator(".sortable tbody input:checked").count() == 2
    page.locator(".only-ticked").check()
    assert column(page, "id") == ids
    page.locator(".untick").click()
    assert page.locator(".sortable tbody tr").count() == 0


def test_what_is_ticked_shown_or_all_is_saved_and_read_by_rdkit(page, folder):
    table = pd.read_csv(folder / "optimize" / "demo" / "candidates.csv")
    for place in (1, 4):
        page.locator(".sortable tbody input").nth(place).check()
    name, text = saved(page, "csv", "ticked")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert name == "candidates_demo_ticked.csv"
    assert [row["smiles"] for row in rows] == [table["smiles"][place] for place in (1, 4)]
    assert {"id", "targets_met", "cluster", "alerts", "desirability.qed", "nearest_train_id"} <= set(rows[0])
    page.locator("input.text").fill("S(")
    name, text = saved(page, "smi", "shown")
    assert name == "candidates_demo_shown.smi"
    assert [line.split()[0] for line in text.splitlines()] == [smiles for smiles in table["smiles"] if "S(" in smiles]
    _, text = saved(page, "sdf", "all")
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text)
    assert [Chem.MolToSmiles(mol) for mol in supplier] == table["smiles"].tolist()
    assert [float(mol.GetProp("score")) for mol in supplier] == pytest.approx(table["score"].tolist(), rel=1e-5)


def test_nothing_ticked_says_so(page):
    page.locator(".scope").select_option("ticked")
    page.locator("[data-format=csv]").click()
    assert "Nothing is ticked" in page.locator(".status").text_content()


def test_stereo_charges_and_large_molecules_survive_the_sd_file(opened, folder, tmp_path_factory):
    own = build_run_folder(tmp_path_factory.mktemp("unusual"))
    file = own / "optimize" / "demo" / "candidates.csv"
    table = pd.read_csv(file)
    canonical = [Chem.MolToSmiles(Chem.MolFromSmiles(smiles)) for smiles in UNUSUAL]
    table.assign(smiles=canonical).to_csv(file, index=False)
    page = opened(report(own, RunConfig()))
    _, text = saved(page, "sdf", "all")
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text)
    assert [Chem.MolToSmiles(mol) for mol in supplier] == canonical


def test_a_point_leads_to_its_row_and_a_row_to_its_line(page):
    plot = page.locator(".scatter .plot")
    plot.focus()
    for _ in range(4):
        plot.press("ArrowRight")
    said = page.locator(".scatter [role=status]").text_content()
    plot.press("Enter")
    row = page.locator(".sortable tbody tr.linked")
    assert row.get_attribute("data-id") in said
    assert row.evaluate("row => row === document.activeElement")
    assert page.locator(".lines path.marked").count() == 1


def test_a_click_on_the_plot_or_a_line_leads_to_a_row_that_the_filter_hid(page):
    # With a real pointer: a line that is moved to the top under it would get no click.
    page.locator(".lines").scroll_into_view_if_needed()
    line = page.locator(".lines path").first
    x, y = line.evaluate(
        """path => {
          const place = path.getPointAtLength(path.getTotalLength() / 3).matrixTransform(path.getScreenCTM());
          return [place.x, place.y];
        }"""
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    first = page.locator(".sortable tbody tr.linked").get_attribute("data-id")
    canvas = page.locator(".scatter canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for place in range(1, 200):
        page.mouse.move(box["x"] + box["width"] * (place % 20) / 20, box["y"] + box["height"] * (place // 20) / 10)
        if page.locator(".scatter .tip").is_visible():
            break
    page.mouse.down()
    page.mouse.up()
    assert page.locator(".sortable tbody tr.linked").count() == 1
    page.locator("input.text").fill("zzz")
    page.locator(f".to-row[data-id='{first}'], .to-row").first.click()
    assert page.locator(".sortable tbody tr.linked").count() == 1
    assert page.locator(".sortable tbody tr").count() == 20


def test_the_axes_of_the_plot_can_be_chosen(page):
    picture = "document.querySelector('.scatter canvas').toDataURL()"
    first = page.evaluate(picture)
    page.locator(".scatter .x").select_option(label="logP")
    assert page.evaluate(picture) != first


def test_all_properties_are_a_tick_away(page):
    assert not heading(page, "bertz").is_visible()
    page.locator(".everything").check()
    assert heading(page, "bertz").is_visible()


def test_each_term_has_a_bar_of_its_desirability(page):
    bars = page.locator(".sortable tbody tr").first.locator(".bar")
    assert bars.count() == 3
    assert bars.first.get_attribute("aria-label").startswith("desirability ")


def test_the_focus_stays_in_the_table_when_its_row_is_gone(page):
    ticks = page.locator(".sortable tbody input")
    for place in range(3):
        ticks.nth(place).check()
    page.locator(".only-ticked").check()
    ticks.nth(1).focus()
    page.keyboard.press("Space")
    assert ticks.count() == 2
    assert ticks.nth(1).evaluate("tick => tick === document.activeElement")


def test_the_order_can_be_reversed_without_the_headings(page):
    page.locator(".sort").select_option("mol_weight")
    upwards = numbers(page, "mol_weight")
    page.locator(".reverse").click()
    assert upwards == sorted(upwards)
    assert numbers(page, "mol_weight") == sorted(upwards, reverse=True)


def test_only_the_suggested_are_marked_in_the_table_and_bold_among_the_lines(page):
    suggested = page.locator(".to-row").evaluate_all("links => links.map((link) => link.dataset.id)")
    marked = page.locator(".sortable tbody tr.suggested").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    assert 0 < len(suggested) < page.locator(".sortable tbody tr").count()
    assert set(marked) == set(suggested)
    assert page.locator(".lines path.bold").count() == len(suggested)
