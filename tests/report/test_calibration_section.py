"""The page's section on calibration: its numbers, its words, its diagram."""

import re
from html import unescape
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from builders import FakeStudy, FakeTask
from penultimate.metrics import SEVERAL
from penultimate.report import write_report
from penultimate.report.findings import Findings
from penultimate.report.page.calibration import calibrations, sentence, signed
from penultimate.report.page.tested import first_splits
from penultimate.stats import calibration, confidence_of, reliability

NETS = {"good@package": 1.2, "fair@package": 0.7}


def of(store):
    return calibrations(first_splits(Findings.read(store)))


def confident(store, shift):
    """Draw what is right anew, with each image's confidence less ``shift`` as its probability."""
    for seed, result in enumerate(store.results()):
        path = store.artefact(result, "predictions")
        frame = pd.read_parquet(path)
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.5, 0.95, len(frame))
        right = rng.random(len(frame)) < confidence - shift
        labels = frame["label"].astype(str)
        frame["predicted"] = np.where(right, labels, labels.map(lambda c: "a" if c != "a" else "b"))
        frame["p_predicted"] = confidence
        frame.to_parquet(path, index=False)
    return store


@pytest.fixture
def store(new_store):
    return FakeStudy(NETS, {"digits": FakeTask(n_test=1500)}).commit(new_store)


def test_each_network_has_the_numbers_of_its_predictions(store):
    (task,) = of(confident(store, 0.1))
    assert [row.backbone for row in task.rows] == list(NETS)
    for row, result in zip(task.rows, (r for n in NETS for r in named(store, n)), strict=True):
        found = calibration(*confidence_of(store.predictions(result)))
        expected = [found.accuracy, found.confidence, found.gap, found.ece, found.by_chance]
        assert row.values == [round(value, 4) for value in expected]
        assert row.texts[0] == f"{100 * found.accuracy:.1f}"
        assert row.texts[3] == f"{100 * found.ece:.1f}"
        assert row.p == round(found.p_value, 4)
        assert row.verdict.endswith(", more")
        low, high = found.gap_interval
        assert 0 < low < found.gap < high
        assert row.ends == f"{100 * low:+.1f} to {100 * high:+.1f}"


def named(store, backbone):
    return [r for r in store.results() if r.spec.backbone.name == backbone]


@pytest.mark.parametrize(
    ("shift", "tendency", "compared"),
    [(0.12, ": it is too sure (by", "against"), (0, "", "not more than"),
     (-0.04, ": it is not sure enough (by", "")],
)  # fmt: skip
def test_the_sentence_says_in_which_direction(store, shift, tendency, compared):
    (task,) = of(confident(store, shift))
    (text,) = task.sentences
    assert ("sure (by" in text or "enough (by" in text) == bool(tendency)
    assert tendency in text
    assert compared in text
    assert text.startswith("good@package is ")


def test_undefined_has_a_sentence_and_dashes():
    found = calibration(np.array([np.nan]), np.array([True]))
    assert sentence("net", found, decisions=False) == "net has no confidences to look at."
    assert signed(float("nan")) == "—"
    assert signed(-0.0123) == "−1.2"  # noqa: RUF001
    assert signed(0.0123) == "+1.2"


def test_the_diagram_has_a_point_for_each_bin_that_is_not_empty(store):
    (task,) = of(confident(store, 0.1))
    svg = ET.fromstring(str(task.figure))
    assert "expected calibration error" in svg.get("aria-label")
    assert "good@package" in svg.get("aria-label")
    points = [e for e in svg.iter("g") if "point" in (e.get("class") or "").split()]
    table = reliability(*confidence_of(store.predictions(named(store, "good@package")[0])))
    filled = table[table["n"] > 0]
    assert len(points) == len(filled) == len(task.bins[0].rows) > 4
    for point, (_, row) in zip(points, filled.iterrows(), strict=True):
        title = point.find("title").text
        assert title.startswith("good@package\n")
        assert f"right {100 * row['accuracy']:.1f} %" in title
        x, y = place(point.findall("path")[1].get("d"))
        assert abs(x + 4 - (46 + 260 * row["confidence"])) < 0.11
        assert abs(y - (268 - 260 * row["accuracy"])) < 0.11


def place(path):
    return [float(number) for number in re.match(r"M([\d.]+) ([\d.]+)", path).groups()]


def test_methods_are_drawn_together_and_told_apart(new_store, tmp_path):
    methods = ("linear-probe", "fine-tune", "from-scratch")
    tasks = {"digits": FakeTask(), "glyphs": FakeTask(hardness=0.4)}
    FakeStudy(NETS, tasks, methods=methods, gains={"fine-tune": 0.4}).commit(new_store)
    found = of(new_store)
    assert len(found) == 2
    for task in found:
        assert len(task.rows) == 6
        assert [name for _, name in task.legend] == [
            f"good@package with {method}" for method in sorted(methods)
        ]
        shapes = set(re.findall(r'class="s(\d) dot"', str(task.figure)))
        assert shapes == {"0", "1", "2"}
    of_points = re.findall(r'data-of="(\d+)"', "".join(str(task.figure) for task in found))
    assert len(of_points) == len(set(of_points)), "no two points are taken for one"
    html = write_report(new_store, tmp_path / "r.html").read_text(encoding="utf-8")
    assert html.count('class="plot reliability"') == 2


def test_several_labels_count_by_decision_and_have_no_chance(new_store, tmp_path):
    task = FakeTask(classes=("cat", "dog"), measure=SEVERAL, n_test=200)
    FakeStudy(NETS, {"voc": task}).commit(new_store)
    (found,) = of(new_store)
    assert "of its decisions are right" in found.sentences[0]
    assert "chance" not in found.sentences[0]
    assert all(row.p is None and row.ends == "" for row in found.rows)
    asked = sum(n for _, n, *_ in found.bins[0].rows)
    result = named(new_store, "good@package")[0]
    labels = new_store.predictions(result)[["label:cat", "label:dog"]].to_numpy()
    assert asked == (labels >= 0).sum() < 400
    html = write_report(new_store, tmp_path / "r.html").read_text(encoding="utf-8")
    part = html.partition('<section id="calibration">')[2].partition('<section id="')[0]
    assert "by chance<small>" not in part
    assert "are not independent" in unescape(part)
