"""The page in a real browser: nothing leaves it, nothing fails, everyone can read and sort it."""

import shutil
from itertools import pairwise

import pytest

from builders import FakeStudy, FakeTask
from penultimate.report import write_report
from penultimate.store import ResultStore, SkippedExample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NASTY = '<script>window.hacked = 1</script><b onclick="x">"\''

# WCAG contrast of an element's text against the first opaque background behind it.
CONTRAST = """element => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b]
        .map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const style = getComputedStyle(element);
    const front = parse(element instanceof SVGElement ? style.fill : style.color);
    let behind = element;
    let back = [0, 0, 0, 0];
    while (behind && (back.length === 4 && back[3] === 0)) {
        back = parse(getComputedStyle(behind).backgroundColor);
        behind = behind.parentElement;
    }
    const [low, high] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
}"""
TEXT = "h1, h2, h3, p, li, td, th, dt, dd, caption, summary, a, small, code, b, svg text"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    """A page with everything on it, and with names that would be markup."""
    tasks = {
        "digits": FakeTask(hardness=-0.6, unconverged=2),
        f"pets {NASTY}": FakeTask(
            measure="mean-per-class",
            classes=[NASTY, "a", "b"],
            skipped=[SkippedExample(id=f"{NASTY}.png", reason="the file is empty")],
            notices=[f"a notice on {NASTY}"],
        ),
    }
    names = {"zeta_net_with_a_long_name@package": 1.4, NASTY: 1.0, "alpha@random": -0.5}
    folder = tmp_path_factory.mktemp("page")
    store = FakeStudy(names, tasks).commit(ResultStore(folder / "store"))
    return write_report(store, folder / "a report.html")


@pytest.fixture
def opened(browser, page_path):
    """Opens the page in a scheme and a width; afterwards nothing must have failed or left it."""
    contexts, complaints, requests = [], [], []

    def show(scheme="light", width=1280):
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast_in_both_schemes(opened, scheme):
    page = opened(scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = page.locator(TEXT)
    contrasts = found.evaluate_all(f"elements => elements.map({CONTRAST})")
    assert len(contrasts) > 200
    texts = found.evaluate_all("elements => elements.map(e => e.textContent.trim())")
    worst = min(zip(contrasts, texts, strict=True))
    assert worst[0] >= 4.5, worst
    lightness = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (lightness == "rgb(255, 255, 255)") == (scheme == "light")


def test_lines_of_figures_follow_the_scheme(opened):
    strokes = {}
    for scheme in ("light", "dark"):
        lines = opened(scheme).locator("#task0 figure svg[role=img] path")
        strokes[scheme] = set(lines.evaluate_all("e => e.map(x => getComputedStyle(x).stroke)"))
    assert len(strokes["light"]) > 3
    assert strokes["light"] & strokes["dark"] <= {"none"}


def test_names_with_markup_show_as_text(opened):
    page = opened()
    assert page.evaluate("window.hacked") is None
    assert page.locator("b[onclick]").count() == 0
    assert page.get_by_role("rowheader", name=NASTY).count() >= 2
    assert page.get_by_role("heading", name=f"pets {NASTY}").count() >= 1
    drawn = page.locator("svg text").all_text_contents()
    assert any("<script>" in text for text in drawn)


def first_column(page):
    return page.locator("#overview tbody th").all_text_contents()


def test_tables_sort_by_click(opened):
    page = opened()
    heading = page.locator("#overview thead th").first
    given = first_column(page)
    assert given[0].startswith("zeta")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [name[:5] for name in first_column(page)] == ["<scri", "alpha", "zeta_"]
    score = page.locator("#overview thead th").nth(1)
    score.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert score.get_attribute("aria-sort") == "descending"
    values = [
        float(cell) for cell in page.locator("#overview td:nth-child(2) .score").all_inner_texts()
    ]
    assert values == sorted(values, reverse=True)
    score.get_by_role("button").click()
    values = [
        float(cell) for cell in page.locator("#overview td:nth-child(2) .score").all_inner_texts()
    ]
    assert values == sorted(values)


def test_tables_sort_by_keyboard(opened):
    page = opened()
    button = page.locator("#overview thead th").first.get_by_role("button")
    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    else:
        raise AssertionError("the button is not reached by Tab")
    assert button.evaluate("b => getComputedStyle(b).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert first_column(page)[-1].startswith("zeta")
    page.keyboard.press("Space")
    assert first_column(page)[0].startswith("zeta")


@pytest.mark.parametrize("width", [380, 768, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    page = opened(width=width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.locator(".scroll").evaluate_all(
        "boxes => boxes.filter(b => b.scrollWidth > b.clientWidth).length"
    )
    assert wide > 0 or width > 380, "on a phone, tables scroll in boxes of their own"


def test_figures_have_a_name_and_headings_an_order(opened):
    page = opened()
    figures = page.get_by_role("img")
    assert figures.count() == 3
    assert all(figures.nth(i).get_attribute("aria-label") for i in range(3))
    levels = page.locator("h1, h2, h3").evaluate_all("e => e.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
