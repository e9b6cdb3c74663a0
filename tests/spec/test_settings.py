"""What a user may ask for: defaults, limits, frozen records."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from penultimate.spec import Backbone, FineTune, FromScratch, LinearProbe, Study, Task


class TestStudy:
    def test_has_the_defaults_that_the_protocol_names(self):
        study = Study(backbones=["resnet50"], tasks=["digits"])
        assert study.name == "study"
        assert study.seeds == (0,)
        assert study.methods == (LinearProbe(),)
        assert study.backbones == (Backbone(name="resnet50"),)
        assert study.tasks == (Task(source="digits"),)

    def test_takes_a_lone_string_for_a_list_of_one(self):
        assert Study(backbones="resnet50", tasks="digits", methods="linear-probe") == Study(
            backbones=["resnet50"], tasks=["digits"]
        )

    def test_mixes_names_and_tables(self):
        study = Study(
            backbones=["a", {"name": "b", "image_size": 64}], tasks=[{"source": "digits"}]
        )
        assert study.backbones[1].image_size == 64

    def test_is_every_backbone_on_every_task_once_for_each_seed(self):
        study = Study(backbones=["a", "b"], tasks=["s", "t"], seeds=[0, 1, 2])
        cells = {(r.backbone.name, r.task.source, r.method.name, r.seed) for r in study.runs()}
        assert len(cells) == len(list(study.runs())) == 2 * 2 * 3

    @pytest.mark.parametrize(
        ("field", "value", "name"),
        [
            ("backbones", ["a", "b", "a"], "'a'"),
            ("backbones", ["a", {"name": "b", "label": "a"}], "'a'"),
            ("tasks", ["folder:x/photos", "folder:y/photos"], "'photos'"),
            ("methods", ["linear-probe", "linear-probe"], "'linear-probe'"),
            ("seeds", [1, 2, 1], "'1'"),
        ],
    )
    def test_refuses_names_that_do_not_tell_apart(self, field, value, name):
        record = {"backbones": ["a"], "tasks": ["s"], field: value}
        with pytest.raises(ValidationError, match=f"{field} has {name} more than once"):
            Study.model_validate(record)

    @pytest.mark.parametrize("field", ["backbones", "tasks", "methods", "seeds"])
    def test_refuses_an_empty_list(self, field):
        with pytest.raises(ValidationError, match="at least 1 item"):
            Study.model_validate({"backbones": ["a"], "tasks": ["s"], field: []})

    @pytest.mark.parametrize("seed", [-1, 2**63, 0.5, "x"])
    def test_refuses_a_seed_that_no_generator_takes(self, seed):
        with pytest.raises(ValidationError):
            Study(backbones=["a"], tasks=["s"], seeds=[seed])

    def test_digest_does_not_change_when_a_default_is_written_out(self):
        bare = Study(backbones=["a"], tasks=["s"])
        full = Study(
            backbones=[{"name": "a", "geometry": "whole"}],
            tasks=[{"source": "s", "fractions": [0.6, 0.2, 0.2]}],
            seeds=[0],
        )
        assert bare.digest() == full.digest()


class TestTask:
    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("digits", "digits"),
            ("folder:photos", "photos"),
            ("folder:/data/my photos/", "my photos"),
            ("csv:tables/birds.v2.csv", "birds.v2"),
            ("csv:birds", "birds"),
            ("features:out/resnet", "resnet"),
            ("folder:.", "."),
            ("folder:C:\\photos", "photos"),
            ("food101", "food101"),
            ("food101:/data/food-101", "food101"),
            ("torchvision:CIFAR10", "CIFAR10"),
            ("torchvision:CIFAR10:/data/cifar", "CIFAR10"),
            ("hf:uoft-cs/cifar10", "cifar10"),
            ("hf:saved/birds", "birds"),
            ("wds:shards/birds", "birds"),
        ],
    )
    def test_is_called_after_its_source(self, source, name):
        assert Task(source=source).display == name

    def test_is_identified_by_what_was_set_only(self):
        assert Task(source="food101", splits=None, allow_missing=False).identity() == {
            "source": "food101"
        }

    def test_is_called_as_the_user_says(self):
        assert Task(source="folder:photos", name="birds").display == "birds"

    @pytest.mark.parametrize(
        "fractions",
        [(0.6, 0.2, 0.3), (1.0, 0.0, 0.0), (1.2, -0.1, -0.1), (math.nan, 0.5, 0.5), (0.5, 0.5)],
    )
    def test_refuses_fractions_that_do_not_divide_the_whole(self, fractions):
        with pytest.raises(ValidationError):
            Task(source="digits", fractions=fractions)

    @given(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1)))
    def test_takes_any_three_parts_of_the_whole(self, parts):
        total = sum(parts)
        fractions = tuple(part / total for part in parts)
        assert Task(source="digits", fractions=fractions).fractions == fractions


class TestLinearProbe:
    def test_tries_45_values_from_1e_minus_6_to_1e5(self):
        grid = LinearProbe().grid()
        assert len(grid) == 45
        assert grid[0] == pytest.approx(1e-6, rel=1e-12)
        assert grid[-1] == pytest.approx(1e5, rel=1e-12)

    @given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12), st.integers(2, 60))
    def test_grid_goes_up_from_end_to_end_in_equal_ratios(self, one, other, points):
        low, high = sorted((one, other))
        grid = LinearProbe(l2_min=low, l2_max=high, l2_points=points).grid()
        assert len(grid) == points
        assert grid[0] == pytest.approx(low)
        assert grid[-1] == pytest.approx(high)
        ratios = [right / left for left, right in pairwise(grid)]
        assert ratios == pytest.approx([(high / low) ** (1 / (points - 1))] * (points - 1))

    def test_of_one_value_is_that_value(self):
        assert LinearProbe(l2_min=0.1, l2_max=0.1, l2_points=1).grid() == (0.1,)

    @pytest.mark.parametrize(
        "settings",
        [
            {"l2_min": 1.0, "l2_max": 0.1},
            {"l2_points": 1},
            {"l2_points": 0},
            {"l2_min": 0.0},
            {"l2_max": math.inf},
            {"l2_min": math.nan},
            {"tolerance": 1.0},
        ],
    )
    def test_refuses_what_is_no_grid(self, settings):
        with pytest.raises(ValidationError):
            LinearProbe(**settings)


class TestEveryRecord:
    RECORDS = (
        Study(backbones=["a"], tasks=["s"]),
        Backbone(name="a"),
        Task(source="s"),
        LinearProbe(),
        FineTune(),
        FromScratch(),
    )

    @pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
    def test_is_frozen(self, record):
        field = next(iter(type(record).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(record, field, getattr(record, field))

    @pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
    def test_refuses_a_key_that_nothing_reads(self, record):
        with pytest.raises(ValidationError, match="not permitted"):
            type(record).model_validate(record.model_dump() | {"colour": "red"})

    @pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
    def test_at_its_defaults_identifies_by_what_must_be_given_only(self, record):
        required = {n for n, f in type(record).model_fields.items() if f.is_required()}
        assert set(record.identity()) == required


class TestBackbone:
    @pytest.mark.parametrize(
        "settings",
        [
            {"name": ""},
            {"name": "a", "image_size": 0},
            {"name": "a", "imagenet_top1": 76.1},
            {"name": "a", "precision": "float16"},
            {"name": "a", "geometry": "centre"},
        ],
    )
    def test_refuses_what_cannot_be(self, settings):
        with pytest.raises(ValidationError):
            Backbone(**settings)

    def test_is_called_by_its_label(self):
        assert Backbone(name="resnet50").display == "resnet50"
        assert Backbone(name="resnet50", label="ours").display == "ours"
