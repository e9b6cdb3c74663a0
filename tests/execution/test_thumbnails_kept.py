"""Thumbnails of a study's mistakes: on request, of the right images, and nothing else computed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from study_folders import NotANumber, Small, own, study

import penultimate as pn
from penultimate.errors import SpecError, StoreError
from penultimate.progress import Progress
from penultimate.report import write_report
from penultimate.stats import most_often_wrong


class Notes(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    """Pictures that networks get wrong: noise of one colour in three classes."""
    random = np.random.default_rng(3)
    for name in "abc":
        (tmp_path / "hard" / name).mkdir(parents=True)
        for i in range(20):
            pixels = random.integers(0, 256, (120, 200, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "hard" / name / f"{i}.png")
    return tmp_path / "hard"


def two() -> list[pn.Backbone]:
    return [own(Small(0), "one"), own(Small(1), "two")]


def mistakes(results: pn.StudyResults) -> list[str]:
    runs = [results.store.predictions(result) for result in results.results]
    return most_often_wrong(runs)["example_id"].tolist()


def kept(results: pn.StudyResults, ids: list[str]) -> set[str]:
    return set(results.store.thumbnails.read(results.results[0].run.data, ids))


def test_none_are_made_unless_asked_for(hard: Path, store: Path) -> None:
    results = pn.run(study(hard, backbones=two()), store)
    assert results.thumbnails == 0
    assert not (store / "thumbnails").exists()
    assert len(mistakes(results)) > 6


def test_a_finished_study_computes_only_them_and_only_once(hard: Path, store: Path) -> None:
    pn.run(study(hard, backbones=two()), store)
    asked = {"study": study(hard, backbones=two()), "store": store}
    first = pn.run(**asked, thumbnails=4)
    assert (first.computed, first.thumbnails) == (0, 4)
    wrong = mistakes(first)
    assert kept(first, wrong) == set(wrong[:4])
    files = {path.name for path in (store / "thumbnails").rglob("*")}
    assert not files & {Path(name).name for name in wrong}
    again = pn.run(**asked, thumbnails=4)
    assert (again.computed, again.thumbnails) == (0, 0)
    more = pn.run(**asked, thumbnails=1000)
    assert more.thumbnails == len(wrong) - 4
    assert kept(more, wrong) == set(wrong)


def test_they_show_the_image_of_that_name(hard: Path, store: Path) -> None:
    for name in "abc":  # known by their shape
        for i in range(20):
            size = (40 + 2 * i, 90)
            Image.new("RGB", size, (i * 12, 0, 100)).save(hard / name / f"{i}.png")
    results = pn.run(study(hard, backbones=[own(Small(5))]), store, thumbnails=1000)
    wrong = mistakes(results)
    found = results.store.thumbnails.read(results.results[0].run.data, wrong)
    assert len(found) == len(wrong) > 0
    for name, thumbnail in found.items():
        number = int(Path(name).stem)
        image = Image.open(io.BytesIO(thumbnail.data)).convert("RGB")
        assert image.size == (thumbnail.width, thumbnail.height) == (40 + 2 * number, 90)
        assert abs(image.getpixel((9, 9))[0] - 12 * number) < 8


def test_the_first_split_alone_has_them(hard: Path, store: Path) -> None:
    several = study(hard, backbones=two(), seeds=[3, 1], repeats=2)
    results = pn.run(several, store, thumbnails=3)
    assert results.thumbnails == 3
    (folder,) = (store / "thumbnails").iterdir()
    theirs = {(r.spec.seed, r.spec.repeat) for r in results.results if r.run.data == folder.name}
    assert theirs == {(1, 0)}
    # It is the one that the report shows.
    page = write_report(results.store, store.parent / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/') == 3


def test_images_that_are_gone_are_said_and_left_out(hard: Path, store: Path) -> None:
    class Removing(Notes):
        """Removes the pictures once the runs are done."""

        def step(self, description: str, total: int, unit: str = "images"):
            if description.startswith("thumbnails"):
                for path in hard.rglob("*.png"):
                    path.unlink()
            return super().step(description, total, unit)

    notes = Removing()
    results = pn.run(study(hard, backbones=two()), store, thumbnails=2, progress=notes)
    assert results.thumbnails == 0
    (said,) = [note for note in notes.notes if "thumbnail" in note]
    assert "no thumbnail of 2 of 2 images" in said
    assert not (store / "thumbnails").exists()


def test_a_task_without_images_says_so(tmp_path: Path, store: Path) -> None:
    random = np.random.default_rng(0)
    folder = tmp_path / "features"
    folder.mkdir()
    np.save(folder / "features.npy", random.normal(size=(60, 4)).astype(np.float32))
    np.save(folder / "labels.npy", np.arange(60) % 3)
    given = pn.Study(backbones=[f"features:{folder}"], tasks=[f"features:{folder}"])
    notes = Notes()
    results = pn.run(given, store, thumbnails=2, progress=notes)
    assert results.thumbnails == 0
    assert any("has features and no images: there are no thumbnails" in n for n in notes.notes)


def test_runs_that_failed_leave_the_others_theirs(hard: Path, store: Path) -> None:
    broken = study(hard, backbones=[own(Small(0), "one"), own(NotANumber(), "broken")])
    with pytest.raises(pn.StudyFailedError) as failed:
        pn.run(broken, store, thumbnails=2)
    assert len(failed.value.results.results) == 1
    assert failed.value.results.thumbnails == 2


def test_a_number_below_one_is_refused(hard: Path, store: Path) -> None:
    with pytest.raises(SpecError, match="at least 1"):
        pn.run(study(hard, backbones=two()), store, thumbnails=0)
    assert not store.exists()


def test_a_store_that_cannot_be_written_keeps_its_runs(hard: Path, store: Path) -> None:
    pn.run(study(hard, backbones=two()), store)
    (store / "thumbnails").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        pn.run(study(hard, backbones=two()), store, thumbnails=2)
    assert len(pn.ResultStore(store).frame()) == 2
