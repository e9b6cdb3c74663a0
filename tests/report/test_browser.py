"""The page in a real browser: nothing leaves it, nothing fails, everyone can read and sort it."""

from itertools import pairwise

import pytest
from rich_page import NASTY

# WCAG contrast of an element's text against the first opaque background behind it.
CONTRAST = """element => {
    const parse = (colour) => colour.match(/[\\d.]+/g)
        .map((part, i) => (i < 3 && colour.startsWith("color(") ? 255 : 1) * Number(part));
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
OPENED = "#correlation details.each[open]"
TEXT = "h1, h2, h3, p, li, td, th, dt, dd, caption, summary, a, small, code, b, svg text"


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


def test_figures_follow_the_scheme(opened):
    drawn = {}
    for scheme in ("light", "dark"):
        shapes = opened(scheme).locator(".plot .dot, .plot .curve, .plot .fit, .plot .error")
        drawn[scheme] = shapes.evaluate_all(
            "e => e.map(getComputedStyle).map(s => [s.stroke, s.fill])"
        )
    assert len(drawn["light"]) > 100
    for light, dark in zip(drawn["light"], drawn["dark"], strict=True):
        assert all(a != b or a == "none" for a, b in zip(light, dark, strict=True))


def test_names_with_markup_show_as_text(opened):
    page = opened()
    assert page.evaluate("window.hacked") is None
    assert page.locator("b[onclick]").count() == 0
    assert page.get_by_role("rowheader", name=NASTY).count() >= 2
    assert page.get_by_role("heading", name=f"pets {NASTY}").count() >= 1
    drawn = page.locator("svg text").all_text_contents()
    assert any("<script>" in text for text in drawn)
    named = page.locator("svg .point").evaluate_all("e => e.map(p => p.getAttribute('aria-label'))")
    assert sum(label.startswith(NASTY) for label in named) > 10


def table(page):
    return page.locator("#overview table").first


def first_column(page):
    return table(page).locator("tbody th").all_text_contents()


def scores(page):
    cells = table(page).locator("td:nth-child(2) .score").all_inner_texts()
    return [float(cell) for cell in cells]


def test_tables_sort_by_click(opened):
    page = opened()
    heading = table(page).locator("thead th").first
    given = first_column(page)
    assert given[0].startswith("zeta")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    names = first_column(page)
    assert names != given
    assert [name[:5] for name in (names[0], names[1], names[-1])] == ["<scri", "alpha", "zeta_"]
    score = table(page).locator("thead th").nth(1)
    score.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert score.get_attribute("aria-sort") == "descending"
    assert scores(page) == sorted(scores(page), reverse=True)
    score.get_by_role("button").click()
    assert scores(page) == sorted(scores(page))
    assert len(set(scores(page))) > 5


def test_tables_sort_by_keyboard(opened):
    page = opened()
    button = table(page).locator("thead th").first.get_by_role("button")
    for _ in range(60):
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
    figures = page.locator("figure > svg")
    # Ranking, correlation over all tasks and on each, selection curves, calibration.
    assert figures.count() == 3 * 2 + 3 * (1 + 2) + 2 + 2
    labels = figures.evaluate_all("e => e.map(f => f.getAttribute('aria-label'))")
    assert len(set(labels)) == len(labels), "each says what it is of"
    levels = page.locator("h1, h2, h3").evaluate_all("e => e.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_reads_without_its_script(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#overview tbody tr").count() == 9 + 8 + 8
    assert page.locator("#overview tbody tr").last.is_visible()
    assert page.get_by_role("searchbox").count() == 0
    assert page.locator("th button").count() == 0
    assert page.locator(".with-script").first.is_hidden()
    titles = page.locator("#correlation svg .point title").all_text_contents()
    assert any(title.startswith("net 3\nImageNet 65.0 %\n") for title in titles)


def test_paper_shows_everything_and_asks_for_nothing(opened):
    page = opened("dark")
    page.locator("#overview input").first.fill("net 3")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect = pytest.importorskip("playwright.sync_api").expect
    opened_now = expect(page.locator(OPENED))
    opened_now.to_have_count(3)  # the page hears of it a moment later
    for gone in ("nav", ".filter input", ".jump", ".skip"):
        assert not page.locator(gone).first.is_visible(), gone
    # A filter that was set is said on paper too.
    assert page.locator("#overview output").first.inner_text() == "3 of 25 rows: “net 3”"
    assert page.locator("#correlation svg").last.is_visible()
    cut = page.locator(".scroll").evaluate_all(
        "boxes => boxes.filter(b => getComputedStyle(b).overflowX !== 'visible').length"
    )
    assert cut == 0
    page.emulate_media(media="screen")
    opened_now.to_have_count(0)
