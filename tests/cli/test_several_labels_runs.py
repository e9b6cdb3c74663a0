"""Several labels an image, from a table through the command line to a report and predictions."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image
from pytest import approx

from penultimate.metrics import mean_average_precision
from penultimate.stats import precision_interval
from penultimate.store import ResultStore

pytestmark = pytest.mark.slow

NETWORKS = ("--backbone", "test_vit@random", "--backbone", "test_byobnet@random")
CLASSES = ("green|leaf", "red", "sky")  # a name with the sign that stands between names


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """48 small pictures: each colour there or not, some wrongly labelled, some pairs uncertain."""
    root = tmp_path_factory.mktemp("several")
    random = np.random.default_rng(0)
    lines = ["path,labels,uncertain"]
    for i in range(48):
        bits = [i >> k & 1 for k in range(3)]
        pixels = random.integers(0, 120, (24, 24, 3), dtype=np.uint8)
        for channel, bit in zip((1, 0, 2), bits, strict=True):
            seen = bit if random.random() < 0.7 else 1 - bit
            pixels[:, :, channel] += np.uint8(90 * seen)
        Image.fromarray(pixels).save(root / f"{i:02}.png")
        names = [name.replace("|", r"\|") for name, bit in zip(CLASSES, bits, strict=True) if bit]
        lines.append(f"{i:02}.png,{'|'.join(names)},{'sky' if i % 16 == 2 else ''}")
    (root / "t.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def done(pictures, tmp_path_factory):
    """What a run of two random networks printed, its store and its report."""
    from commands import in_shell

    folder = tmp_path_factory.mktemp("store")
    outcome = in_shell(
        *("run", "--data", pictures / "t.csv", *NETWORKS, "--store", folder / "store"),
        *("--report", folder / "report.html"),
    )
    assert outcome.code == 0, outcome.err
    return outcome, ResultStore(folder / "store"), (folder / "report.html").read_text()


def test_the_table_and_the_notices_name_what_is_measured(done):
    outcome, _, _ = done
    assert "t (mAP)" in outcome.out
    assert re.search(r"On t, test_\w+@random is best at [\d.]+ % mAP \(95 % interval", outcome.out)
    assert "3 uncertain (difficult) pairs of image and class counted neither" in outcome.err
    assert "6 images with none of the classes" in outcome.err


def test_the_kept_predictions_give_score_and_interval_again(done):
    _, store, _ = done
    for run in store.frame()["run"]:
        result = store.get(run)
        kept = store.predictions(result)
        labels = kept[[f"label:{name}" for name in CLASSES]].to_numpy()
        log_odds = kept[[f"log_odds:{name}" for name in CLASSES]].to_numpy()
        assert next(iter(kept)) == "example_id"
        assert set(np.unique(labels)) <= {-1, 0, 1}
        assert result.measure == "mean-average-precision"
        assert result.score == mean_average_precision(labels, log_odds)
        low, high, method = precision_interval(labels, log_odds, seed=0)
        assert result.interval.method == method
        assert (result.interval.low, result.interval.high) == (low, high)
        best = max(result.selection, key=lambda c: (c.score, -c.loss, c.settings["l2"]))
        assert result.chosen == best.settings


def test_the_two_networks_are_compared_and_the_page_says_by_what(done):
    _, _, page = done
    assert "mAP" in page
    assert "3 classes" in page
    assert "whole images, on the share of decisions" in page
    assert re.search(r"p (&lt;|=)", page), "a verdict"
    assert "nan" not in re.sub(r"<style.*?</style>|<script.*?</script>", "", page, flags=re.S)


def test_prediction_names_every_class_above_a_half(done, pictures, penultimate):
    _, store, _ = done
    run = store.frame()["run"][0]
    result = store.get(run)
    kept = store.predictions(result)
    images = [pictures / name for name in kept["example_id"]]
    outcome = penultimate("predict", run, *images, "--store", store.root, "--json")
    for row, (_, expected) in zip(json.loads(outcome.out), kept.iterrows(), strict=True):
        p = {name: 1 / (1 + np.exp(-expected[f"log_odds:{name}"])) for name in CLASSES}
        sure = {name for name in p if abs(p[name] - 0.5) > 1e-3}
        shown = {found["class"]: found["probability"] for found in row["predictions"]}
        assert {name for name in shown if name in sure} == {n for n in sure if p[n] > 0.5}
        assert shown == {name: approx(p[name], abs=1e-3) for name in shown}
        assert list(shown.values()) == sorted(shown.values(), reverse=True)
    everything = penultimate("predict", run, images[0], "--store", store.root, "--top", "3")
    assert all(name in everything.out for name in CLASSES)


def test_an_image_without_any_class_says_so(done, pictures, penultimate):
    _, store, _ = done
    run = store.frame()["run"][0]
    outcome = penultimate("predict", run, *sorted(pictures.glob("*.png")), "--store", store.root)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 48
    assert any(line.endswith(": no class with p > 0.5") for line in lines)
    assert any(line.count("%") == 2 for line in lines), "two labels"


def test_measures_that_do_not_fit_are_one_sentence(pictures, photos, place, penultimate):
    data = ("run", "--data", pictures / "t.csv", *NETWORKS, "--measure", "top-1")
    assert "several labels an image, of which top-1" in penultimate(*data).sentence
    data = ("run", "--data", photos, *NETWORKS, "--measure", "mean-average-precision")
    assert "one label an image" in penultimate(*data).sentence


def test_the_csv_and_the_json_of_results(done, penultimate):
    _, store, _ = done
    rows = json.loads(penultimate("results", store.root, "--json").out)
    assert {row["measure"] for row in rows} == {"mean-average-precision"}
    assert {row["n_classes"] for row in rows} == {3}


def test_a_perfect_score_has_no_interval_and_the_page_stands(place, penultimate):
    random = np.random.default_rng(0)
    labels = (random.random((90, 4)) < 0.4).astype(np.int8)
    np.save("labels.npy", labels)
    np.save("features.npy", labels * 20 + random.normal(size=(90, 4)))
    outcome = penultimate("run", "--backbone", "features:.", "--report", "page.html")
    assert "100.0 % mAP (95 % interval —)" in outcome.out
    assert "mAP, %" in (place / "page.html").read_text()


def test_what_is_computed_is_found_again(done, pictures, penultimate):
    _, store, _ = done
    again = penultimate("run", "--data", pictures / "t.csv", *NETWORKS, "--store", store.root)
    assert "0 computed, 2 already in the store" in again.err
