"""The page in a browser without a network: nothing fails, everything is drawn, and it can be read by everyone."""

import pytest

from molvae.config import RunConfig
from molvae.report import report
from tests.fixtures.run_folder import build_run_folder

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = build_run_folder(tmp_path_factory.mktemp("run"), objectives=("demo", "other"))
    return report(folder, RunConfig())


def has_no_overflow(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_chart_is_drawn(opened, html):
    charts = opened(html).locator(".chart svg")
    assert charts.count() == 4 + 4 + 9 + 2
    assert all(charts.nth(i).locator("path, line, rect").count() > 5 for i in range(charts.count()))


def test_without_scripts_the_text_the_charts_and_the_candidates_remain(opened, html):
    page = opened(html, java_script_enabled=False)
    assert page.locator(".chart svg").first.is_visible()
    assert page.locator(".suggestion > .molecule").count() == 2 * 5
    assert page.locator("table.sortable tbody tr").count() == 2 * 20


def test_the_page_opens_on_the_answer(opened, html):
    page = opened(html)
    headings = page.locator("h2").all_text_contents()
    assert headings[:4] == ["Suggested: demo", "Suggested: other", "Candidates: demo", "Candidates: other"]
    assert "targets" in page.locator(".headline").first.text_content()


def test_a_mark_of_a_chart_says_what_it_is(opened, html):
    page = opened(html)
    page.locator("#training path[data-tip]").nth(3).hover(force=True)
    assert "epoch" in page.locator(".chart-tip").text_content().lower()


def test_a_chart_can_be_saved(opened, html):
    page = opened(html)
    button = page.locator("#training .save").first
    button.focus()
    with page.expect_download() as download:
        button.click()
    text = download.value.path().read_text()
    assert download.value.suggested_filename == "training-1.svg"
    assert "var(" not in text
    assert text.startswith("<svg")


def test_a_point_of_the_map_shows_its_structure_and_is_pinned_by_a_click(opened, html):
    page = opened(html)
    canvas = page.locator(".map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tip = page.locator(".map .tip")
    for place in range(1, 40):
        page.mouse.move(box["x"] + box["width"] * place / 40, box["y"] + box["height"] / 2)
        if tip.is_visible():
            break
    assert tip.locator("svg path").count() > 0
    page.mouse.down()
    page.mouse.up()
    assert page.locator(".map .pin").count() == 1
    page.locator(".map .pin button").click()
    assert page.locator(".map .pin").count() == 0


def test_the_map_obeys_the_keyboard(opened, html):
    page = opened(html)
    plot = page.locator(".map .plot")
    plot.focus()
    plot.press("ArrowRight")
    first = page.locator(".map .plot [role=status]").text_content()
    plot.press("ArrowRight")
    assert page.locator(".map .plot [role=status]").text_content() != first
    plot.press("Enter")
    assert page.locator(".map .pin").count() == 1


def test_the_map_shows_the_search_and_joins_its_path(opened, html):
    page = opened(html)
    picture = "document.querySelector('.map canvas').toDataURL()"
    with_path = page.evaluate(picture)
    layers = page.locator(".map .layers label")
    assert [text.strip() for text in layers.all_inner_texts()[2:5]] == [
        "■ search path (demo)",
        "◆ candidates (demo)",
        "✚ reference (demo)",
    ]
    layers.filter(has_text="search path (demo)").locator("input").uncheck()
    assert page.evaluate(picture) != with_path


def test_the_map_takes_another_colour_and_leaves_out_a_layer(opened, html):
    page = opened(html)
    picture = "document.querySelector('.map canvas').toDataURL()"
    first = page.evaluate(picture)
    page.locator(".map .colour").select_option(label="QED")
    second = page.evaluate(picture)
    page.locator(".map .layers input").first.uncheck()
    assert len({first, second, page.evaluate(picture)}) == 3


@pytest.mark.parametrize("width", [360, 768, 1000, 1360, 1600])
def test_the_page_is_never_wider_than_the_window(opened, html, width):
    assert has_no_overflow(opened(html, width))


def test_candidates_are_cards_on_a_phone(opened, html):
    page = opened(html, 360)
    row = page.locator(".sortable tbody tr").first
    assert not page.locator(".sortable thead").first.is_visible()
    assert row.bounding_box()["width"] < 340
    assert page.locator(".candidates").first.locator(".sortable tbody tr").count() == 10


def test_no_metric_lies_over_another_on_a_phone(opened, html):
    page = opened(html, 360)
    overlapping = """rows => rows.flatMap((row) => {
        const boxes = [...row.cells].map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect();
        });
        return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
            a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1,
        ).map(() => row.textContent));
    })"""
    assert page.locator(".measures tbody tr").count() > 20
    assert page.locator(".measures tbody tr").evaluate_all(overlapping) == []
    assert not page.locator(".measures thead").first.is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1360, "light"), (1360, "dark"), (360, "light")])
def test_axe_finds_no_violation(opened, html, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(html, width, color_scheme=scheme)
    for details in page.locator("details > summary").all():
        details.click()
    page.locator(".map .plot").press("ArrowRight")
    page.locator(".map .plot").press("Enter")
    found = axe.run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


def test_the_dark_page_is_dark_by_choice_and_stays_so(opened, html):
    page = opened(html)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark colours").click()
    assert page.evaluate(paper) != light
    page.reload()
    assert page.evaluate(paper) != light
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(paper) == light


def test_nothing_moves_where_less_motion_is_wanted(opened, html):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(html).evaluate(behaviour) == "smooth"
    assert opened(html, reduced_motion="reduce").evaluate(behaviour) == "auto"


def test_it_prints_in_light_colours_and_fits(opened, html, tmp_path):
    page = opened(html, 700, color_scheme="dark")
    page.emulate_media(media="print")
    assert has_no_overflow(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".contents").is_visible()
    pdf = page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert pdf.startswith(b"%PDF")


def test_all_of_what_to_distrust_is_printed(opened, html):
    page = opened(html)
    details = page.locator(".cautions details")
    assert details.count() == 1
    assert details.get_attribute("open") is None
    page.emulate_media(media="print")
    details.locator("li").last.wait_for(state="visible")
    page.emulate_media(media="screen")
    details.locator("li").last.wait_for(state="hidden")


def test_no_structure_lies_over_a_value_in_print(opened, html):
    page = opened(html, 700)
    page.emulate_media(media="print")
    row = page.locator(".sortable tbody tr").first
    drawing = row.locator("td[data-key=smiles] svg").bounding_box()
    score = row.locator("td[data-key=score]").bounding_box()
    assert drawing["x"] + drawing["width"] <= score["x"] + 1


@pytest.mark.parametrize("name", ["latent_map", "samples", "reconstructions", "candidates_demo"])
def test_each_figure_is_a_page_of_its_own(opened, html, name):
    page = opened(html.parent / "report" / "figures" / f"{name}.html")
    assert page.locator("svg, canvas").count() > 0
