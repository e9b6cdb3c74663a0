"""The identity of a run: the same content has the same digest today, tomorrow and elsewhere."""

from __future__ import annotations

import pytest

from penultimate.spec import LinearProbe, Preprocessing
from penultimate.store import Run

PREPROCESSING = {
    "size": 224,
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "interpolation": "bicubic",
}


def run(**changes) -> Run:
    fields = {
        "data": "d" * 64,
        "weights": "a" * 64,
        "preprocessing": Preprocessing(**PREPROCESSING),
        "features_version": 1,
        "measure": "top-1",
        "method": LinearProbe(),
        "method_version": "linear-probe/1",
        "seed": 0,
    }
    return Run(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({}, "809735df486feb832152262c21f2a2f3f31e867d1d45fbdba629bcfd905f3e6d"),
        (
            {"preprocessing": "none", "measure": "mean-per-class"},
            "b195ad09000102e3c6c246794f9f44eaa436ebb39b2aa42846b5b9cb73091549",
        ),
        (
            {"seed": 7, "precision": "bfloat16"},
            "d4ce1e9da719bc0b292e1ebef75eaeb3d7f8fe14f7d9b1b7bb51c9efc859e5c5",
        ),
        (
            {"method": LinearProbe(l2_points=9, l2_min=1e-3)},
            "1aec50c2ba9487d217aaf9c2ece23e5d4bf54d387df340f9c44cd3134b3dfeb5",
        ),
        (
            {"preprocessing": Preprocessing(**PREPROCESSING, geometry="shorter-side-crop")},
            "21364a8fad76f6476e739a4ef059a7bdc653c4c467668ae9977108d056c1b017",
        ),
    ],
    ids=["plain", "given features", "seed and precision", "another grid", "cropped"],
)
def test_digests_are_those_that_old_stores_hold(changes, digest):
    """Should this fail, a change has orphaned every result that exists: see the rules of identity
    in docs, and raise a version where the numbers changed on purpose."""
    assert run(**changes).digest == digest


CHANGES = [
    {"data": "e" * 64},
    {"weights": "b" * 64},
    {"preprocessing": Preprocessing(**(PREPROCESSING | {"size": 225}))},
    {"preprocessing": Preprocessing(**(PREPROCESSING | {"interpolation": "bilinear"}))},
    {"preprocessing": Preprocessing(**PREPROCESSING, geometry="shorter-side-crop")},
    {"preprocessing": "f" * 64},
    {"precision": "bfloat16"},
    {"features_version": 2},
    {"features_version": None},
    {"measure": "mean-per-class"},
    {"method": LinearProbe(tolerance=1e-5)},
    {"method_version": "linear-probe/2"},
    {"seed": 1},
]


def test_whatever_can_change_the_answer_changes_the_digest():
    digests = {run(**changes).digest for changes in [{}, *CHANGES]}
    assert len(digests) == len(CHANGES) + 1


def test_every_field_is_tried_above():
    assert {name for changes in CHANGES for name in changes} == set(Run.model_fields)


def test_a_setting_at_its_default_is_the_same_as_one_left_out():
    written = LinearProbe(l2_min=1e-6, l2_max=1e5, l2_points=45, tolerance=1e-6)
    assert run(method=written, precision="float32").digest == run().digest


def test_a_whole_number_is_the_same_as_integer_and_as_float():
    one, same = LinearProbe(l2_min=1, l2_max=10), LinearProbe(l2_min=1.0, l2_max=10.0)
    assert run(method=one).digest == run(method=same).digest


def test_names_and_paths_and_devices_are_no_part_of_it():
    fields = set(Run.model_fields)
    assert not fields & {"name", "label", "path", "source", "device", "workers", "created", "task"}


def test_the_digest_survives_json():
    record = run(method=LinearProbe(l2_points=9)).model_dump_json()
    assert Run.model_validate_json(record).digest == run(method=LinearProbe(l2_points=9)).digest


def test_under_another_method_it_is_another_run():
    first = run()
    assert first.digest == run().digest  # which is now remembered
    assert (
        first.under(LinearProbe(l2_points=9)).digest == run(method=LinearProbe(l2_points=9)).digest
    )
    assert first.under(first.method) == first
