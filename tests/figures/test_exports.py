"""Whoever draws in Python finds every figure in one place, and the page's example works."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from click.testing import CliRunner
from legible import ROOT

from builders import FakeStudy, FakeTask
from penultimate import figures
from penultimate.cli.app import cli
from penultimate.store import ResultStore

OF_ONE_TABLE = {"ranking_figure"}  # of the report, not of the paper


def test_every_figure_of_the_paper_is_exported_listed_and_in_the_gallery():
    from generate_gallery import drawings

    drawn = {drawing.draw.__name__ for drawing in figures.FIGURES.values()}
    exported = {name for name in figures.__all__ if name.endswith("_figure")}
    assert exported - {"save_figure"} == drawn | OF_ONE_TABLE
    rows = json.loads(CliRunner().invoke(cli, ["figure", "--json"]).stdout)
    listed = [row["name"] for row in rows if row["number"].startswith("figure")]
    pictures = sorted(path.stem for path in (ROOT / "docs" / "gallery").glob("*.png"))
    assert sorted(figures.FIGURES) == sorted(listed) == sorted(drawings()) == pictures
    assert {drawing.number for drawing in figures.FIGURES.values()} == set("123456789")


def test_the_example_in_the_documentation_draws(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/figures.md").read_text(), re.DOTALL)
    networks = {"one": 1.0, "two": 0.6, "three": 0.1}
    tasks = {"digits": FakeTask(), "flowers": FakeTask(hardness=0.5)}
    imagenet = {"one": 0.8, "two": 0.75, "three": 0.7}
    store = ResultStore(tmp_path / "penultimate-store")
    FakeStudy(networks, tasks, imagenet=imagenet).commit(store)
    call = [sys.executable, "-W", "error", "-c", code]
    subprocess.run(call, cwd=tmp_path, check=True)
    assert (tmp_path / "correlation.pdf").stat().st_size > 5_000
