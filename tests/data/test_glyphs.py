"""The task glyphs shows what it says, and its parts have no typeface in common."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from penultimate.data import TASKS, load_dataset
from penultimate.data.dataset import Dataset
from penultimate.data.glyphs import (
    CHARACTERS,
    FAMILIES,
    PART_OF,
    SIZE,
    font_folder,
    load_glyphs,
    render,
    slanted,
)
from penultimate.spec import Task

FACES = [face for faces in FAMILIES.values() for face in faces]


@pytest.fixture(scope="module")
def glyphs() -> Dataset:
    return load_dataset(Task(source="glyphs"))


def test_counts_are_those_of_the_catalogue(glyphs: Dataset) -> None:
    assert len(glyphs) == TASKS["glyphs"].images == 1550
    assert glyphs.classes == tuple(sorted(CHARACTERS))
    assert len(glyphs.classes) == TASKS["glyphs"].classes == 62
    assert Counter(glyphs.parts.tolist()) == {"train": 744, "val": 310, "test": 496}
    for part, each in (("train", 12), ("val", 5), ("test", 8)):
        assert set(np.bincount(glyphs.labels[glyphs.indices(part)]).tolist()) == {each}
    assert glyphs.split_source == "official"
    assert glyphs.notices == ()


def test_parts_are_disjoint_by_family(glyphs: Dataset) -> None:
    assert sorted(face for faces in FAMILIES.values() for face in faces) == sorted(set(FACES))
    family_of = {face: family for family, faces in FAMILIES.items() for face in faces}
    seen: dict[str, set[str]] = {}
    for id_, part in zip(glyphs.ids, glyphs.parts, strict=True):
        face = id_[2:].rpartition("-")[0]
        seen.setdefault(family_of[face], set()).add(str(part))
    assert seen == {family: {part} for family, part in PART_OF.items()}


def test_the_fonts_own_family_names_do_not_cross_parts() -> None:
    part_of_name: dict[str, set[str]] = {}
    for family, faces in FAMILIES.items():
        for face in faces:
            name = TTFont(font_folder() / f"{face}.ttf")["name"].getDebugName(1)
            part_of_name.setdefault(name, set()).add(PART_OF[family])
    assert all(len(parts) == 1 for parts in part_of_name.values()), part_of_name


@pytest.mark.parametrize("face", FACES)
def test_every_character_is_a_text_glyph_of_its_own(face: str) -> None:
    names = TTFont(font_folder() / f"{face}.ttf").getBestCmap()
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for character in CHARACTERS:
        expected = digits[int(character)] if character.isdigit() else character
        assert names[ord(character)] == expected
    drawn = {c: slanted(c, face, 120, 0.0) for c in CHARACTERS}
    assert all(image.getbbox() and min(image.size) > 3 for image in drawn.values())
    # A face without a character would show its box for it: two equal pictures.
    assert len({(image.size, image.tobytes()) for image in drawn.values()}) == len(CHARACTERS)


def test_no_picture_is_blank_or_cut_off(glyphs: Dataset) -> None:
    for i in range(len(glyphs)):
        image = np.asarray(glyphs.image(i))
        assert image.shape == (SIZE, SIZE, 3)
        ink = image[..., 0] < 128
        assert ink.sum() >= 20, glyphs.ids[i]
        edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (edges == 255).all(), glyphs.ids[i]


def test_sizes_places_and_slants_vary() -> None:
    heights, middles = [], []
    for face in FACES:
        rows, columns = np.nonzero(render("H", face, 0) < 128)
        heights.append(np.ptp(rows))
        middles.append(columns.mean())
    assert max(heights) > 1.3 * min(heights)
    assert np.ptp(middles) > 10
    assert slanted("I", "DejaVuSans", 120, 0.3).width > slanted("I", "DejaVuSans", 120, 0).width
    assert (render("H", FACES[0], 0) != render("H", FACES[0], 1)).any()


def test_the_task_is_the_same_whatever_the_runs_seed(glyphs: Dataset) -> None:
    assert load_dataset(Task(source="glyphs"), seed=7).fingerprint == glyphs.fingerprint
    assert len(set(load_glyphs().digests)) == 1550
