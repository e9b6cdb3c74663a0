"""Stores to report on, and a browser to look at the pages in."""

import shutil

import pytest
from rich_page import write_page

from builders import FakeStudy, FakeTask
from penultimate.store import ResultStore, SkippedExample

LITES = {
    "tf_efficientnet_lite2@package": 1.45,
    "tf_efficientnet_lite1@package": 1.40,
    "tf_efficientnet_lite0@package": 1.0,
    "tf_efficientnet_lite0@random": -0.2,
}


@pytest.fixture
def new_store(tmp_path):
    """An empty store."""
    return ResultStore(tmp_path / "store")


@pytest.fixture
def demo_store(new_store):
    """What the demo leaves: three networks and the floor on two tasks."""
    tasks = {
        "digits": FakeTask(hardness=-0.6),
        "glyphs": FakeTask(
            n_test=420,
            hardness=0.3,
            measure="mean-per-class",
            skipped=[SkippedExample(id="a/broken.png", reason="the file is empty")],
            notices=["2 exact duplicates were kept in one part"],
        ),
    }
    return FakeStudy(LITES, tasks).commit(new_store)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser():
    """Chromium; without it, or without playwright, what asks for it is skipped."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def page_path(tmp_path_factory):
    """The page of ``rich_page``."""
    return write_page(tmp_path_factory.mktemp("page"))


@pytest.fixture
def opened(browser, page_path):
    """Opens the page in a scheme and a width; afterwards nothing must have failed or left it."""
    contexts, complaints, requests = [], [], []

    def show(scheme="light", width=1280, **options):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if url not in (page_path.as_uri(), "data:,")] == []
