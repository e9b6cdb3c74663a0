"""The page's own figures: marks where the numbers are, said in words, names as text."""

import math
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from builders import FakeStudy, FakeTask
from penultimate.report.findings import Findings
from penultimate.report.page.curves import selection_curves
from penultimate.report.page.forest import ranking_panels
from penultimate.report.page.losses import loss_curves
from penultimate.report.page.tasks import selection_frame

NASTY = "<i>&\"'"
NAMES = {"a": 1.4, "b": 0.8, NASTY: 0.2, "c@random": -0.6}


@pytest.fixture
def found(new_store):
    """Four networks on two tasks."""
    tasks = {"digits": FakeTask(unconverged=2), f"t {NASTY}": FakeTask(measure="mean-per-class")}
    return Findings.read(FakeStudy(NAMES, tasks).commit(new_store))


def parsed(svg):
    return ElementTree.fromstring(str(svg))


def marks(svg):
    """By name: the lines of its text, and the element of its mark."""
    found = {}
    for group in parsed(svg).findall("g[@data-of]"):
        name, *lines = group.find("title").text.split("\n")
        found[name] = (lines, group)
    return found


def odds(p):
    return math.log(p / (1 - p))


def test_the_ranking_has_scores_intervals_and_verdicts(found):
    drawn = ranking_panels(found.ranking, "", found.backbones)
    assert [name for name, _ in drawn.panels] == ["digits", f"t {NASTY}"]
    for task, svg in drawn.panels:
        rows = found.ranking[found.ranking["task"] == task].set_index("backbone")
        mine = marks(svg)
        assert set(mine) == set(NAMES)
        for name, (lines, group) in mine.items():
            assert f"{task} {100 * rows['score'][name]:.1f} %" in lines[0]
            level = bool(rows["tied_with_best"][name])
            assert ("level" if level else "behind") in group.get("class")
            assert ("behind the best (p" in lines[1]) == (not level)
        dots = {name: float(g.find("circle").get("cx")) for name, (_, g) in mine.items()}
        ends = {name: g.find("path").get("d") for name, (_, g) in mine.items()}
        places, values = [], []
        for name in NAMES:
            low, high = ends[name].removeprefix("M").split("H")
            places += [dots[name], float(low.split()[0]), float(high)]
            values += [odds(rows[c][name]) for c in ("score", "ci_low", "ci_high")]
        assert pearsonr(places, values).statistic == pytest.approx(1, abs=1e-5)
        texts = [text.text for text in parsed(svg).iter("text")]
        assert set(NAMES) <= set(texts)


def test_many_panels_can_be_folded_and_few_are_not(found):
    assert not ranking_panels(found.ranking, "m", found.backbones, fold=True).folded
    many = pd.concat([found.ranking.assign(task=f"t{i}") for i in range(3)])
    assert ranking_panels(many, "m", found.backbones, fold=True).folded
    assert not ranking_panels(many, "m", found.backbones).folded


def test_selection_curves_mark_what_was_chosen_and_what_failed(found):
    results = [r for r in found.results.values() if r.spec.task.display == "digits"]
    frame = selection_frame(results)
    svg = selection_curves(frame, found.backbones, "digits")
    root = parsed(svg)
    curves = [p for p in root.iter("path") if p.get("class").startswith("curve")]
    assert len(curves) == len(NAMES)
    assert all(p.get("d").count("L") == 44 for p in curves)
    assert len([p for p in root.iter("path") if p.get("class").startswith("cross")]) == 2 * 4
    mine = marks(svg)
    for row in frame[frame["chosen"]].to_dict("records"):
        lines, group = mine[row["backbone"]]
        assert lines[0].startswith("chosen: L2 parameter ")
        assert lines[1] == f"{100 * row['score']:.1f} % on validation"
        assert int(group.get("data-of")) == found.backbones.index(row["backbone"])
    assert "10⁻⁶" in [text.text for text in root.iter("text")]


def test_an_unpenalised_fit_has_no_place_on_a_logarithmic_axis(found):
    frame = selection_frame(list(found.results.values())[:1])
    frame.loc[0, "l2"] = 0.0
    svg = selection_curves(frame, found.backbones, "digits")
    [curve] = [p for p in parsed(svg).iter("path") if p.get("class").startswith("curve")]
    assert curve.get("d").count("L") == 43
    assert "nan" not in str(svg)


def curve(kind, training, losses, validation):
    return pd.DataFrame(
        {
            "training": training,
            "step": np.arange(1, len(losses) + 1),
            "learning_rate": 0.1,
            "weight_decay": 1e-4,
            "loss": losses,
            "validation": validation,
            "kind": kind,
        }
    )


def test_losses_have_a_line_each_and_divergence_leaves_the_panel():
    steps = np.arange(1, 201)
    falling = 3 * np.exp(-steps / 50) + 0.1
    frame = pd.concat(
        [
            curve("chosen", "x", falling, 0.2),
            curve("final", "y", falling * 0.9, math.nan),
            curve("other", "z", np.where(steps > 20, 1e9, 3.0), math.nan),
        ]
    )
    svg = loss_curves(frame, f"losses of {NASTY}")
    lines = {
        p.get("class"): p.get("d") for p in parsed(svg).iter("path") if "loss" in p.get("class")
    }
    assert set(lines) == {"loss chosen", "loss final", "loss other"}
    assert lines["loss other"].count("L") < 20
    points = parsed(svg).findall("g[@data-of]")
    assert len(points) == 1
    text = points[0].find("title").text
    assert text.startswith("the chosen cell\nlearning rate 0.1, weight decay ")
    assert text.endswith("0.2 nats on validation")
    heights = [float(place.split()[1]) for place in lines["loss chosen"][1:].split("L")]
    assert heights == sorted(heights), "a falling loss goes down the panel"
