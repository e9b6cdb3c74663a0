"""Thumbnails and reliability diagrams in a real browser."""

import io

import pytest
from PIL import Image

from builders import FakeStudy, FakeTask
from penultimate.report import write_report
from penultimate.report.findings import Findings
from penultimate.report.page.mistakes import mistakes
from penultimate.report.page.tested import first_splits
from penultimate.store import ResultStore, Thumbnail


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    """Two networks with every method, and thumbnails of all listed images but four."""
    folder = tmp_path_factory.mktemp("mistakes")
    store = FakeStudy(
        {"good@package": 1.2, "fair@package": 0.7},
        {"digits": FakeTask(classes=[f"class {i:02}" for i in range(15)])},
        methods=("linear-probe", "fine-tune", "from-scratch"),
    ).commit(ResultStore(folder / "store"))
    (task,) = mistakes(first_splits(Findings.read(store)))
    kept = {image.name: picture(k) for k, image in enumerate(task.images[:20])}
    store.thumbnails.write(next(store.results()).run.data, kept)
    return write_report(store, folder / "report.html")


def picture(number):
    """A small PNG or JPEG."""
    side, kind = (8, "png") if number % 2 else (96, "jpeg")
    file = io.BytesIO()
    Image.new("RGB", (side, side // 2), (10 * number, 90, 90)).save(file, kind.upper())
    return Thumbnail(file.getvalue(), kind, side, side // 2)


def loaded(opened, **options):
    """The page, where requests for its own images are no requests that leave it."""
    page = opened(**options)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 380)])
def test_thumbnails_are_drawn_and_the_page_stays_as_wide_as_the_window(opened, scheme, width):
    page = loaded(opened, scheme=scheme, width=width)
    images = page.locator("#mistakes img")
    assert images.count() == 20
    page.wait_for_load_state("load")
    sizes = images.evaluate_all("all => all.map(i => [i.naturalWidth, i.naturalHeight])")
    assert sizes == [[8, 4] if k % 2 else [96, 48] for k in range(20)]
    shown = images.evaluate_all("all => all.map(i => i.getBoundingClientRect().width)")
    assert set(shown) == {96}
    drawn = images.evaluate_all("all => all.map(i => getComputedStyle(i).imageRendering)")
    assert drawn == ["pixelated" if k % 2 else "auto" for k in range(20)]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_bins_say_their_numbers_under_the_mouse_and_with_the_keyboard(opened):
    page = loaded(opened)
    points = page.locator("#calibration .point")
    assert points.count() == 6, "two bins of three methods"
    points.first.scroll_into_view_if_needed()
    points.first.hover(force=True)  # the methods' bins lie on one another here
    tip = page.locator(".tip")
    assert tip.is_visible()
    assert tip.inner_text().startswith("good@package with ")
    assert "% sure:" in tip.inner_text()
    points.first.focus()
    page.keyboard.press("ArrowRight")
    assert points.nth(1).evaluate("p => p === document.activeElement")
    assert points.nth(1).get_attribute("aria-label") == tip.inner_text().replace("\n", ", ")


def test_classes_sort(opened):
    page = loaded(opened)
    table = page.locator("#mistakes table").first
    table.locator("thead th").first.get_by_role("button").click()
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names)
    assert len(names) == 15
