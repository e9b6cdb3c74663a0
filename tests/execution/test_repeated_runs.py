"""Probes repeated over splits: the features once, each split once, the rest said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from study_folders import clean, feature_files, network, probe, runs, study
from trained_studies import FINE

import penultimate as pn
from penultimate.progress import Progress, Step
from penultimate.spec import load_study


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: dict[str, list[int]] = {}

    def note(self, message: str) -> None:
        self.notes.append(message)

    def step(self, description: str, total: int, unit: str = "images") -> Step:
        counted = self.steps.setdefault(description, [total, 0])

        class Counting(Step):
            def advance(self, count: int = 1) -> None:
                counted[1] += count

        return Counting()


def two(*folders: Path, **settings) -> pn.Study:
    """Two backbones, one of them dependent on the seed."""
    crop = network(geometry="shorter-side-crop", label="crop")
    return study(*folders, backbones=[network(), crop], **settings)


def test_the_first_split_is_the_plain_run_and_is_not_computed_again(photos, store):
    plain = pn.run(two(photos), store)
    repeated = pn.run(two(photos, repeats=4), store)
    assert len(repeated.results) == 8
    assert repeated.computed == 6
    firsts = [r.digest for r in repeated.results if r.spec.repeat == 0]
    assert firsts == runs(plain)
    assert len(set(runs(repeated))) == 8
    for result in repeated.results:
        assert result.run.seed == 0
        assert (result.spec.repeat == 0) == (result.repeat_of == "")
    assert {r.repeat_of for r in repeated.results} == {"", *firsts}
    clean(store)


def test_images_are_read_and_looked_at_once(photos, store, monkeypatch):
    """The same features and as many decoded pictures as without repeats."""
    opened = []
    plain = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: opened.append(1) or plain(*a, **k))
    counts = []
    for repeats in (1, 5):
        results = pn.run(two(photos, repeats=repeats), store / str(repeats))
        assert results.computed == 2 * repeats
        assert len(feature_files(store / str(repeats))) == 2
        counts.append(len(opened))
        opened.clear()
    assert counts[0] == counts[1] > 0


@pytest.mark.slow
def test_splits_depend_on_seed_and_repeat_and_on_nothing_else(photos, store, tmp_path):
    first = pn.run(two(photos, repeats=3, seeds=[0, 1]), store)
    again = pn.run(study(photos, repeats=2, seeds=[1]), tmp_path / "other")
    known = {(r.spec.seed, r.spec.repeat): r for r in first.results if r.spec.backbone == network()}
    assert len({r.run.data for r in first.results}) == 6
    for result in again.results:
        assert result.digest == known[result.spec.seed, result.spec.repeat].digest
    for result in first.results:
        split = pd.read_csv(first.store.artefact(result, "split"))
        assert set(split["path"][split["split"] == "test"]) == set(
            first.store.predictions(result)["example_id"]
        )


def test_the_frame_and_the_ranking_tell_repeats_apart(photos, store):
    frame = pn.run(two(photos, repeats=3), store).frame()
    kept = pn.ResultStore(store).frame()
    pd.testing.assert_frame_equal(frame, kept)
    assert frame.groupby("backbone")["repeat"].apply(sorted).tolist() == [[0, 1, 2]] * 2
    assert frame["test_drawn"].all()
    assert frame.groupby("backbone")["repeat_of"].nunique().tolist() == [1, 1]


def test_more_repeats_later_compute_only_what_is_new(photos, store):
    few = pn.run(two(photos, repeats=2), store)
    more = pn.run(two(photos, repeats=5), store)
    assert more.computed == 2 * 3
    assert set(runs(few)) < set(runs(more))
    shutil.rmtree(store / "runs" / more.results[3].digest)  # as after an interruption
    assert pn.run(two(photos, repeats=5), store).computed == 1


def test_one_bar_for_all_splits_of_a_probe(photos, store):
    heard = Heard()
    pn.run(two(photos, repeats=4), store, progress=heard)
    bars = {name: counted for name, counted in heard.steps.items() if name.startswith("probe")}
    assert bars == {
        "probes of test_resnet@random on photos, 4 splits": [4 * 6, 4 * 6],
        "probes of crop on photos, 4 splits": [4 * 6, 4 * 6],
    }
    pn.run(two(photos, repeats=5), store, progress=(later := Heard()))
    assert later.steps["probe of crop on photos"] == [6, 6]
    assert not heard.notes


def test_a_given_test_part_is_scored_once_and_said_to_be(photos, tmp_path, store):
    for place, names in (("train", "01234567"), ("test", "89")):
        for label in "abc":
            folder = tmp_path / "given" / place / label
            folder.mkdir(parents=True)
            for number in names:
                shutil.copy(photos / label / f"000{number}.png", folder)
    heard = Heard()
    done = pn.run(study(photos, tmp_path / "given", repeats=3), store, progress=heard)
    frame = done.frame().set_index("task")
    assert frame.loc["photos", "repeat"].tolist() == [0, 1, 2]
    assert frame.loc["given", "repeat"] == 0
    assert not frame.loc["given", "test_drawn"]
    assert len(heard.notes) == 1
    assert heard.notes[0].startswith("given comes with a test part of its own")


@pytest.mark.slow
def test_what_is_trained_is_run_once_said_so_and_compared_where_both_were_run(photos, store):
    heard = Heard()
    asked = study(photos, methods=[probe(), FINE], repeats=3)
    done = pn.run(asked, store, progress=heard)
    frame = done.frame()
    assert frame.groupby("method")["repeat"].apply(sorted).to_dict() == {
        "linear-probe": [0, 1, 2],
        "fine-tune": [0],
    }
    (note,) = [note for note in heard.notes if "fine-tune" in note]
    assert "would train anew for each of 3 splits" in note


def test_splits_that_are_the_same_are_computed_once_and_counted(tmp_path, store):
    """Three groups a class: few ways to divide them."""
    lines = ["path,label,group"]
    random = np.random.default_rng(0)
    for label in "ab":
        for group, size in enumerate((5, 3, 2)):
            for i in range(size):
                name = f"{label}{group}{i}.png"
                Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(
                    tmp_path / name
                )
                lines.append(f"{name},{label},{label}{group}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    heard = Heard()
    asked = pn.Study(
        backbones=[network()], tasks=[f"csv:{tmp_path}/table.csv"], methods=[probe()], repeats=30
    )
    done = pn.run(asked, store, progress=heard)
    assert 1 < len(done.results) < 30
    assert len({r.run.data for r in done.results}) == len(done.results)
    (note,) = heard.notes
    assert f"only {len(done.results)} of 30 splits differ" in note


def test_the_study_file_holds_repeats_and_a_plain_study_is_what_it_was(photos, store, tmp_path):
    assert study(photos, repeats=1).digest() == study(photos).digest()
    done = pn.run(study(photos, repeats=3), store)
    path = Path(done.results[0].provenance.command.split()[2])
    assert load_study(path).repeats == 3
    path = tmp_path / "study.toml"
    path.write_text(
        'backbones = ["test_resnet@random"]\ntasks = ["digits"]\nrepeats = 0\n', encoding="utf-8"
    )
    with pytest.raises(pn.errors.SpecError, match=r"line 3: .*repeats"):
        load_study(path)


def test_a_network_is_found_by_its_name_though_it_was_repeated(photos, store):
    done = pn.run(two(photos, repeats=3), store)
    assert done.store.match("crop").spec.repeat == 0
    third = next(r for r in done.results if r.spec.repeat == 2)
    assert done.store.match(third.digest[:16]).digest == third.digest
