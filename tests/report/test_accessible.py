"""The page under axe-core, an independent checker of accessibility, in a real browser."""

from pathlib import Path

import pandas as pd
import pytest

from penultimate.report.given.analysis import analyse
from penultimate.report.given.frames import tidy
from penultimate.report.given.page import Source, write_analysis

AXE = Path(__file__).parent / "browser/node_modules/axe-core/axe.min.js"
FAULTS = {"moderate", "serious", "critical"}  # all but the minor


@pytest.fixture
def axe():
    """The checker's script."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: npm ci --prefix tests/report/browser, or make test")
    return AXE.read_text(encoding="utf-8")


def faults(page, axe):
    """What axe-core finds, moderate or worse, on the page as it stands."""
    page.evaluate(axe)  # evaluated, not added: the page's policy lets no other script in
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 15
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in FAULTS
        for node in fault["nodes"][:3]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380), ("dark", 380)]
)
def test_axe_finds_no_fault(opened, axe, scheme, width):
    page = opened(scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.locator("#overview input").first.fill("net")
    page.locator("#correlation svg .point").first.focus()
    assert faults(page, axe) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_with_numbers_from_elsewhere(browser, axe, tmp_path, scheme):
    names = [f"net {i}" for i in range(5)]
    rise = pd.DataFrame({"pets": range(5), "cars": range(0, 10, 2)}, index=names)
    grids = {"linear-probe": 0.6 + 0.02 * rise, "fine-tune": 0.7 + 0.02 * rise}
    imagenet = pd.Series([0.70, 0.71, 0.74, 0.73, 0.78], index=names)
    found = analyse(grids, imagenet, groups={"both": ["pets", "cars"]})
    source = Source("table.csv", command="penultimate analyse table.csv", notes=["a note"])
    frame = tidy(found, imagenet)
    path = write_analysis(found, frame, tmp_path / "page.html", source, groups=["both"])
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = faults(page, axe)
    context.close()
    assert found == []


def test_axe_sees_what_is_wrong(opened, axe):
    page = opened()
    page.evaluate(
        "document.querySelector('#overview input').labels[0].remove();"
        "document.querySelector('main svg').insertAdjacentHTML('beforebegin', '<img src=\"\">')"
    )
    found = " ".join(faults(page, axe))
    assert "image-alt" in found
    assert "label" in found
