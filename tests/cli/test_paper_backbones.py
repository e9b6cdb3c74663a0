"""The paper's sixteen networks through the command line."""

from __future__ import annotations

import json

import pytest

from penultimate.backbones.paper import PAPER


def test_the_list_has_the_sixteen_with_their_sizes(penultimate):
    rows = json.loads(penultimate("list", "backbones", "paper:*", "--json").out)
    assert [row["name"] for row in rows] == [f"paper:{name}" for name in PAPER]
    assert {"name", "parameters", "features", "image_size"} <= rows[0].keys()
    (resnet,) = (row for row in rows if row["name"] == "paper:resnet50")
    assert (resnet["parameters"], resnet["features"], resnet["image_size"]) == (
        *(23_508_032, 2048, 224),
    )


def test_the_list_for_people_says_their_sizes(penultimate):
    outcome = penultimate("list", "backbones", "paper:resnet50")
    assert "23.5M, 2048 features, 224 px; no weights: @random or @CHECKPOINT" in outcome.out
    assert outcome.err.startswith("1 names")


def test_a_name_without_weights_is_answered_in_a_sentence(penultimate, place, photos):
    outcome = penultimate("run", "--data", photos, "--backbone", "paper:inception_v4")
    assert "paper:inception_v4@random" in outcome.sentence
    assert "inception_v4.tf_in1k" in outcome.sentence


def test_a_wrong_switch_is_answered_in_a_sentence(penultimate, place, photos):
    name = "paper:resnet50,auxiliary_head@random"
    assert "have one: inception_v1" in (
        penultimate("run", "--data", photos, "--backbone", name).sentence
    )


def test_switches_in_a_study_file_are_in_the_result(penultimate, place, photos):
    (place / "study.toml").write_text(
        f"tasks = [{json.dumps(f'folder:{photos}')}]\n"
        "[[backbones]]\n"
        "name = 'paper:mobilenet_v1,dropout=0.2,batch_norm_scale=off@random'\n"
        "image_size = 64\n"
    )
    outcome = penultimate("run", "study.toml", "--json")
    (row,) = json.loads(outcome.out)
    assert row["backbone"] == "paper:mobilenet_v1,dropout=0.2,batch_norm_scale=off@random"
    assert 0 <= row["score"] <= 1


@pytest.mark.slow
def test_each_of_the_sixteen_gives_a_result_from_random_weights(penultimate, place, photos):
    """At a size that two processors can bear; each network's own size is tried elsewhere."""
    names = [f"paper:{name}@random" for name in PAPER]
    outcome = penultimate(
        *("run", "--data", photos, "--image-size", 80, "--json"),
        *(part for name in names for part in ("--backbone", name)),
    )
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)
    assert sorted(row["backbone"] for row in rows) == sorted(names)
    assert all(row["n_train"] + row["n_val"] + row["n_test"] == 36 for row in rows)
    assert all(0 <= row["score"] <= 1 for row in rows)
