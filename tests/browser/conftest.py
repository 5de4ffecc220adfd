"""Chromium without a network, and pages opened in it whose problems are kept."""

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="package")
def browser():
    if CHROMIUM is None:
        pytest.skip("needs Chromium, found none")
    playwright_api = pytest.importorskip("playwright.sync_api")
    # Chromium refuses its sandbox to root, as whom containers run.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a file; whatever goes wrong in a page fails the test that opened it."""
    pages = []

    def open_file(file, width=1360, **options):
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        page.problems = []
        page.on("requestfailed", lambda request: page.problems.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: page.problems.append(message.text) if message.type != "log" else None)
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield open_file
    problems = [problem for page in pages for problem in page.problems]
    for page in pages:
        page.context.close()
    assert problems == []
