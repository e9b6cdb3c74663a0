"""The page's section on classes, confusions and images that networks get wrong."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

from builders import FakeStudy, FakeTask
from penultimate.metrics import SEVERAL
from penultimate.report import write_report
from penultimate.report.findings import Findings
from penultimate.report.page.mistakes import MOST_CLASSES, MOST_IMAGES, mistakes
from penultimate.report.page.tested import first_splits
from penultimate.stats import class_accuracy, confusion_pairs, most_often_wrong
from penultimate.store import Thumbnail

NETS = {"good@package": 1.2, "fair@package": 0.7, "floor@random": -1.5}
NASTY = "<img src=x onerror=alert(1)>"


def studied(store, tasks=None, **settings):
    return FakeStudy(NETS, tasks or {"digits": FakeTask()}, **settings).commit(store)


def section(store, tmp_path, key="mistakes"):
    html = write_report(store, tmp_path / "report.html").read_text(encoding="utf-8")
    return html.partition(f'<section id="{key}">')[2].partition('<section id="')[0]


def words(html):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def of(store):
    return mistakes(first_splits(Findings.read(store)))


def predictions(store, backbone, **of_run):
    frame = store.frame()
    for column, value in {"backbone": backbone, **of_run}.items():
        frame = frame[frame[column] == value]
    (digest,) = frame["run"]
    return store.predictions(store.get(digest))


def test_each_class_has_the_best_backbone_s_accuracy_and_the_mean_the_hardest_first(new_store):
    (task,) = of(studied(new_store))
    good = class_accuracy(predictions(new_store, "good@package")).set_index("class")
    fair = class_accuracy(predictions(new_store, "fair@package")).set_index("class")
    assert task.table.columns == [
        ("linear-probe", "best: good@package"),
        ("linear-probe", "mean of 2 networks"),
    ]
    assert sorted(name for name, *_ in task.table.rows) == list("abcdefghij")
    means = []
    for name, n, (best, mean) in task.table.rows:
        assert n == good["n"][name]
        assert best.text == f"{100 * good['accuracy'][name]:.1f}"
        assert best.detail.startswith(f"{100 * good['ci_low'][name]:.1f}")
        means.append((good["accuracy"][name] + fair["accuracy"][name]) / 2)
        assert mean.value == round(means[-1], 4)
    assert means == sorted(means)


def test_the_pairs_are_those_of_the_best_backbone(new_store):
    (task,) = of(studied(new_store))
    (found,) = task.pairs
    expected = confusion_pairs(predictions(new_store, "good@package"))
    assert found.backbone == "good@package"
    assert [row[:3] for row in found.rows] == list(
        expected[["label", "predicted", "count"]].head(12).itertuples(index=False, name=None)
    )
    assert found.errors == expected["count"].sum()


def test_images_are_those_that_most_networks_without_the_floor_get_wrong(new_store):
    (task,) = of(studied(new_store))
    runs = [predictions(new_store, name) for name in ("good@package", "fair@package")]
    expected = most_often_wrong(runs)
    assert [image.name for image in task.images] == expected["example_id"].head(24).tolist()
    assert (task.networks, task.wrong_images) == (2, len(expected))
    by_all = int((expected["wrong"] == 2).sum())
    none = 360 - len(expected)
    assert f"{by_all} are got wrong by all 2 networks, and {none} by none" in task.sentence


def test_random_networks_count_where_there_are_no_others(new_store):
    FakeStudy({"a@random": 0.1, "b@random": 0.0}).commit(new_store)
    (task,) = of(new_store)
    assert task.networks == 2


def test_one_network_is_called_one(new_store, tmp_path):
    FakeStudy({"alone": 1.0}).commit(new_store)
    text = words(section(new_store, tmp_path))
    assert "The one network gets" in text
    assert "mean of" not in text


def test_methods_have_columns_and_pairs_of_their_own_and_share_the_images(new_store, tmp_path):
    studied(new_store, methods=("linear-probe", "fine-tune"), gains={"fine-tune": 0.5})
    (task,) = of(new_store)
    assert [method for method, _ in task.table.columns] == ["fine-tune"] * 2 + ["linear-probe"] * 2
    assert [found.method for found in task.pairs] == ["fine-tune", "linear-probe"]
    assert task.networks == 4
    assert "confuses, fine-tune" in words(section(new_store, tmp_path))


def test_one_seed_is_looked_at_and_that_is_said(new_store, tmp_path):
    studied(new_store, seeds=(5, 3))
    (task,) = of(new_store)
    assert task.note == "Of seed 3, one of 2."
    runs = [predictions(new_store, name, seed=3) for name in ("good@package", "fair@package")]
    assert task.wrong_images == len(most_often_wrong(runs))
    assert task.note in words(section(new_store, tmp_path))


def test_of_repeats_the_first_split_is_looked_at(new_store):
    studied(new_store, repeats=3)
    (task,) = of(new_store)
    assert task.note == "Of repeat 0, one of 3."
    assert task.networks == 2
    first = [predictions(new_store, name, repeat=0) for name in ("good@package", "fair@package")]
    assert task.wrong_images == len(most_often_wrong(first))


def test_runs_on_other_images_and_without_predictions_are_counted(new_store):
    studied(new_store)
    FakeStudy({"newer@package": 0.5}, {"digits": FakeTask(n_test=300)}).commit(new_store)
    frame = new_store.frame().set_index("backbone")
    result = new_store.get(frame["run"]["fair@package"])
    new_store.artefact(result, "predictions").unlink()
    (task,) = of(new_store)
    assert task.networks == 1
    assert "The predictions of 1 run cannot be read." in task.note
    assert "Left out: 1 run on other test images." in task.note


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(label="a class of other data"),
        lambda frame: frame.assign(predicted=3),
        lambda frame: frame.assign(p_predicted=7.0),
        lambda frame: frame.drop(columns="p_label"),
        lambda frame: frame[["example_id"]],
    ],
)
def test_predictions_that_are_none_of_these_classes_are_counted_as_unread(new_store, change):
    studied(new_store)
    result = new_store.get(new_store.frame().set_index("backbone")["run"]["fair@package"])
    path = new_store.artefact(result, "predictions")
    findings = Findings.read(new_store)
    change(pd.read_parquet(path)).to_parquet(path, index=False)
    # The ranking was made before: it reads in its own way.
    read = replace(
        findings, predictions=lambda digest: new_store.predictions(new_store.get(digest))
    )
    (task,) = mistakes(first_splits(read))
    assert task.networks == 1
    assert task.note == "The predictions of 1 run cannot be read."


def test_without_any_predictions_there_is_no_section(new_store, tmp_path):
    studied(new_store)
    for result in new_store.results():
        new_store.artefact(result, "predictions").unlink()
    html = write_report(new_store, tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="mistakes"' not in html
    assert 'id="calibration"' not in html


def test_many_classes_are_folded_and_no_more_than_a_bound_is_listed(new_store, tmp_path):
    names = [f"class {i:04}" for i in range(MOST_CLASSES + 50)]
    studied(new_store, {"large": FakeTask(classes=names, n_test=900)})
    html = section(new_store, tmp_path)
    assert '<details class="list">' in html, "not unfolded for print"
    assert "<summary>Accuracy on each of 1,050 classes</summary>" in html
    assert f"The hardest 1,000 of {MOST_CLASSES + 50:,} classes." in words(html)
    (task,) = of(new_store)
    assert len(task.table.rows) == MOST_CLASSES
    values = [cells[0].value for *_, cells in task.table.rows]
    defined = [value for value in values if value is not None]
    assert values[: len(defined)] == defined, "classes without an example come last"


def test_several_labels_have_precisions_and_no_pairs(new_store, tmp_path):
    task = FakeTask(classes=("cat", "dog", "eel"), measure=SEVERAL, n_test=200)
    studied(new_store, {"voc": task})
    (found,) = of(new_store)
    assert found.pairs == []
    assert found.table.columns[0] == ("linear-probe", "best: good@package")
    assert {image.said for image in found.images} <= {
        f"{word}{name}" for word in ("", "not ") for name in task.classes
    }
    text = words(section(new_store, tmp_path))
    assert "there are no confused pairs" in text
    assert "average precision, %" in text
    assert "at least one of its decisions" in text
    assert "confuses" not in text


# Thumbnails


def with_thumbnails(store, most=1000, data=b"a picture"):
    """A thumbnail of each of the images that the section lists."""
    (task,) = of(store)
    fingerprint = next(store.results()).run.data
    names = [image.name for image in task.images][:most]
    store.thumbnails.write(
        fingerprint, {name: Thumbnail(data + name.encode(), "png", 8, 8) for name in names}
    )
    return names


def test_thumbnails_are_within_the_page_and_those_missing_are_counted(new_store, tmp_path):
    studied(new_store)
    assert "--thumbnails 24" in words(section(new_store, tmp_path))
    names = with_thumbnails(new_store, most=20)
    html = section(new_store, tmp_path)
    assert html.count('<img src="data:image/png;base64,') == 20 == len(names)
    assert html.count('class="tiny"') == 20
    assert "There is no thumbnail of 4 of them" in words(html)
    assert html.count("<li>") == MOST_IMAGES


def test_damaged_thumbnails_leave_the_images_without(new_store, tmp_path):
    studied(new_store)
    with_thumbnails(new_store)
    for i, path in enumerate(sorted((new_store.root / "thumbnails").rglob("*.png"))):
        if i % 2:
            path.write_bytes(b"damaged")
    html = section(new_store, tmp_path)
    assert html.count("<img") == 12
    assert html.count("<li>") == 24
    assert "There is no thumbnail of 12 of them" in words(html)


def test_thumbnails_share_the_room_that_the_page_has(new_store, monkeypatch):
    studied(new_store)
    with_thumbnails(new_store, data=b"x" * 3000)
    monkeypatch.setattr("penultimate.report.page.mistakes.THUMBNAILS", 30_000)
    (task,) = of(new_store)
    assert task.pictured == 7, "of 4,000 characters each"
    assert len(task.images) == 24


def test_names_of_images_and_classes_are_text(new_store, tmp_path):
    studied(new_store, {f"task {NASTY}": FakeTask(classes=(NASTY, "b"))})
    for result in new_store.results():
        path = new_store.artefact(result, "predictions")
        frame = pd.read_parquet(path)
        frame["example_id"] = NASTY + frame["example_id"]
        frame.to_parquet(path, index=False)
    for key in ("mistakes", "calibration"):
        html = section(new_store, tmp_path, key)
        assert NASTY in words(html.replace(NASTY, ""))
        assert "<img src=x" not in html


@pytest.mark.parametrize("measure", ["top-1", SEVERAL])
def test_a_task_without_test_images_and_one_without_mistakes_make_a_page(
    new_store, tmp_path, measure
):
    store = FakeStudy({"perfect": 99.0}, {"easy": FakeTask(measure=measure)}).commit(new_store)
    text = words(section(store, tmp_path))
    assert "The one network gets 0 test images of 360 wrong." in text
    assert np.all([not task.images for task in of(store)])
    if measure == "top-1":
        assert "perfect confuses no classes" in text
