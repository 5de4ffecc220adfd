"""The page in a browser without a network: nothing fails, everything is drawn, and the table obeys."""

import os
import shutil

import pytest

from molvae.config import RunConfig
from molvae.report import report
from tests.fixtures.run_folder import build_run_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, found none"),
]


@pytest.fixture(scope="module")
def browser():
    playwright_api = pytest.importorskip("playwright.sync_api")
    # Chromium refuses its sandbox to root, as whom containers run.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = build_run_folder(tmp_path_factory.mktemp("run"), objectives=("demo", "other"))
    return report(folder, RunConfig())


@pytest.fixture(scope="module")
def page(browser, html):
    """Return the page once its charts are drawn; whatever went wrong on the way fails the test that uses it."""
    page = opened(browser, html)
    yield page
    assert page.problems == []
    page.context.close()


def opened(browser, file):
    page = browser.new_context(offline=True, viewport={"width": 1360, "height": 900}).new_page()
    page.problems = []
    page.on("requestfailed", lambda request: page.problems.append(request.url))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.goto(file.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg'))")
    return page


def test_every_chart_is_drawn_and_nothing_failed(page):
    charts = page.locator(".chart")
    assert charts.count() == 4 + 1 + 9 + 4 + 2 * 2
    for i in range(charts.count()):
        assert charts.nth(i).locator("svg path").count() > 3
    assert page.problems == []


def test_a_point_of_the_map_shows_its_structure(page):
    page.locator("#map .mark-symbol path").nth(3).hover(force=True)
    image = page.locator("#vg-tooltip-element img")
    image.wait_for(state="visible")
    assert image.get_attribute("src").startswith("data:image/svg+xml")
    assert image.evaluate("(image) => image.naturalWidth") > 0


def test_the_map_takes_another_colour(page):
    fills = "[...document.querySelectorAll('#map .mark-symbol path')].map((point) => point.getAttribute('fill')).join()"
    before = page.evaluate(fills)
    page.locator("#map select").select_option("QED")
    page.wait_for_function(f"(old) => {fills} !== old", arg=before)


def numbers(part, column):
    texts = part.locator(f"tbody tr td:nth-child({column})").all_text_contents()
    return [float(text.replace(",", "")) for text in texts]


def test_a_click_on_a_heading_sorts_by_number_and_another_turns_it_round(page):
    part = page.locator(".candidates").first
    heading = part.locator("thead th").nth(2)
    heading.locator("button").click()
    assert numbers(part, 3) == sorted(numbers(part, 3))
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.locator("button").click()
    assert numbers(part, 3) == sorted(numbers(part, 3), reverse=True)
    assert numbers(page.locator(".candidates").nth(1), 1) == list(range(1, 21))


def test_the_filter_leaves_what_matches(page):
    part = page.locator(".candidates").first
    part.locator("input[type=search]").fill("Nitrile")
    shown = part.locator("tbody tr:visible")
    assert 0 < shown.count() < 20
    assert part.locator(".shown").text_content() == f"{shown.count()} of 20 candidates"
    part.locator("input[type=search]").fill("")
    assert part.locator("tbody tr:visible").count() == 20


def test_all_properties_are_a_click_away(page):
    part = page.locator(".candidates").first
    heading = part.get_by_text("Bertz complexity")
    assert not heading.is_visible()
    part.locator("input[type=checkbox]").check()
    assert heading.is_visible()


def test_the_candidates_can_be_saved(page, html):
    with page.expect_download() as download:
        page.locator(".candidates a[download]").first.click()
    assert download.value.suggested_filename == "candidates_demo.csv"
    saved = download.value.path().read_text()
    assert saved.startswith("rank,smiles,score")


@pytest.mark.parametrize("width", [360, 1000, 1360, 1600])
def test_the_page_is_never_wider_than_the_window(browser, html, width):
    page = opened(browser, html)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=5000)
    page.context.close()


@pytest.mark.parametrize("name", ["latent_map", "samples", "reconstructions", "candidates_demo"])
def test_each_figure_is_a_page_of_its_own(browser, html, name):
    page = opened(browser, html.parent / "report" / "figures" / f"{name}.html")
    assert page.locator("svg").count() > 0
    assert page.problems == []
    page.context.close()
