"""What the page does under a mouse, a finger and a keyboard, in a real browser."""

import pytest
from rich_page import LONG, NASTY

POINTS = "#correlation .panels.large .point"


def named(page, name, inside="#correlation .panels.large"):
    """The points of a network."""
    labels = page.locator(f"{inside} .point")
    return [
        labels.nth(i)
        for i in range(labels.count())
        if labels.nth(i).get_attribute("aria-label").startswith(f"{name}, ")
    ]


def tip(page):
    """What the tooltip says, a line each; nothing while it is hidden."""
    return page.locator(".tip:not([hidden]) > *").all_inner_texts()


@pytest.mark.parametrize("name", ["net 3", NASTY, LONG])
def test_a_point_says_its_name_and_both_accuracies(opened, name):
    page = opened()
    assert tip(page) == []
    first, *others = named(page, name)
    assert len(others) == 2, "one a setting"
    first.hover()
    said = tip(page)
    assert said[0] == name
    assert said[1].startswith("ImageNet ")
    assert said[2].startswith("average over 2 tasks ")
    lit = page.locator("#correlation .point.lit")
    assert {lit.nth(i).get_attribute("data-of") for i in range(lit.count())} == {
        first.get_attribute("data-of")
    }
    assert lit.count() == 3 * 3, "in every panel of the section, those folded away among them"
    assert page.locator("#ranking .lit").count() == 0
    box, point = page.locator(".tip").bounding_box(), first.bounding_box()
    assert box["y"] + box["height"] <= point["y"] or box["y"] >= point["y"] + point["height"]
    page.mouse.move(5, 5)
    assert tip(page) == []
    assert page.locator(".lit").count() == 0


def test_points_of_the_ranking_and_of_curves_speak_too(opened):
    page = opened()
    [point, *_] = named(page, "net 2", "#ranking")
    point.hover()
    assert tip(page)[0] == "net 2"
    assert "digits" in tip(page)[1]
    assert "the best" in tip(page)[2]
    curve = page.locator("section.task:has(.curve)").first
    curve.locator(".point").nth(2).hover()
    assert tip(page)[1].startswith("chosen: L2 parameter ")
    assert curve.locator(".curve.lit").count() == 1


def test_the_keyboard_goes_from_point_to_point(opened):
    page = opened()
    figure = page.locator("#correlation .panels.large svg").first
    stops = figure.locator(".point[tabindex='0']")
    assert stops.count() == 1, "a figure is one stop"
    stops.focus()
    names = [tip(page)[0]]
    for _ in range(7):
        page.keyboard.press("ArrowRight")
        names.append(tip(page)[0])
    assert len(set(names)) == 8, "every network is reached"
    page.keyboard.press("ArrowRight")
    assert tip(page)[0] == names[-1]
    page.keyboard.press("Home")
    assert tip(page)[0] == names[0]
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert tip(page)[0] == names[-2]
    assert stops.count() == 1
    page.keyboard.press("Escape")
    assert tip(page) == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ownerSVGElement") != figure.element_handle()


def test_a_tap_speaks_and_another_elsewhere_is_silence(opened):
    page = opened(width=380, has_touch=True, is_mobile=True)
    [point, *_] = named(page, "net 3")
    point.scroll_into_view_if_needed()
    point.tap()
    assert tip(page)[0] == "net 3"
    box = page.locator(".tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 380
    page.locator("#correlation h2").tap()
    assert tip(page) == []


def visible_rows(page):
    rows = page.locator("#overview tbody tr")
    return [rows.nth(i) for i in range(rows.count()) if rows.nth(i).is_visible()]


def test_rows_are_filtered_as_one_types(opened):
    page = opened()
    box = page.get_by_label("Filter backbones").first
    status = page.locator("#overview output").first
    assert status.get_attribute("aria-live") == "polite"
    assert len(visible_rows(page)) == 25
    box.press_sequentially("NET 3")
    assert status.inner_text() == "3 of 25 rows: “NET 3”"
    assert {row.locator("th").inner_text() for row in visible_rows(page)} == {"net 3"}
    # What is sorted while filtered stays filtered.
    page.locator("#overview thead th").first.get_by_role("button").click()
    assert len(visible_rows(page)) == 3
    box.fill(NASTY)
    assert status.inner_text() == f"3 of 25 rows: “{NASTY}”"
    box.fill("no such network")
    assert visible_rows(page) == []
    assert status.inner_text().startswith("0 of 25 rows")
    box.press("Escape")
    assert box.input_value() == ""
    assert status.inner_text() == ""
    assert len(visible_rows(page)) == 25


def test_the_filter_is_reached_by_the_keyboard(opened):
    page = opened()
    box = page.get_by_label("Filter backbones").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if box.evaluate("b => b === document.activeElement"):
            break
    else:
        raise AssertionError("the box is not reached by Tab")
    assert box.evaluate("b => getComputedStyle(b).outlineStyle") == "solid"
    page.keyboard.type("zeta")
    assert len(visible_rows(page)) == 3


def test_settings_are_filtered_by_any_of_their_words(opened):
    page = opened()
    box = page.locator("#settings input")
    rows = page.locator("#settings tbody tr:visible")
    assert rows.count() == 3 * 8 * 2
    box.fill("fine digits")
    assert rows.count() == 8
    cells = page.locator("#settings tbody tr:visible td:nth-child(3)").all_inner_texts()
    assert set(cells) == {"fine-tune"}


def test_short_tables_have_no_box(opened):
    page = opened()
    assert page.locator("#correlation input").count() == 0
    assert page.locator("#repeat input").count() == 0


def test_the_keyboard_skips_to_the_answer_first(opened):
    page = opened(width=380)
    page.keyboard.press("Tab")
    link = page.locator("a.skip")
    assert link.evaluate("a => a === document.activeElement")
    assert link.bounding_box()["height"] > 10, "it shows once it has the focus"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = "document.querySelector('nav').contains(document.activeElement)"
    assert page.evaluate(focused), "the answer has nothing to operate; the contents come next"


def test_high_contrast_keeps_marks_apart(opened):
    page = opened(forced_colors="active")
    fills = page.locator("#correlation .panels.large .dot").evaluate_all(
        "e => e.map(d => getComputedStyle(d).fill)"
    )
    assert len(set(fills)) > 1
