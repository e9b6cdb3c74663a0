"""The page under axe-core, an independent checker of accessibility, in a real browser."""

from pathlib import Path

import pytest

AXE = Path(__file__).parent / "browser/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}


@pytest.fixture
def axe():
    """The checker's script."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: npm ci --prefix tests/report/browser, or make test")
    return AXE.read_text(encoding="utf-8")


def faults(page, axe):
    """What axe-core finds, serious or worse, on the page as it stands."""
    page.evaluate(axe)  # evaluated, not added: the page's policy lets no other script in
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert len(found["passes"]) > 15
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"][:3]
    ]


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380), ("dark", 380)]
)
def test_axe_finds_no_serious_fault(opened, axe, scheme, width):
    page = opened(scheme, width)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.locator("#overview input").first.fill("net")
    page.locator("#correlation svg .point").first.focus()
    assert faults(page, axe) == []


def test_axe_sees_what_is_wrong(opened, axe):
    page = opened()
    page.evaluate(
        "document.querySelector('#overview input').labels[0].remove();"
        "document.querySelector('main svg').insertAdjacentHTML('beforebegin', '<img src=\"\">')"
    )
    found = " ".join(faults(page, axe))
    assert "image-alt" in found
    assert "label" in found
