"""Settings of fine-tuning and of training from scratch: what the presets stand for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from penultimate.spec import FineTune, FromScratch
from penultimate.spec.trained import spaced

# PROTOCOL: what both methods have in common in the paper. Stated here and not read from the code.
PAPER = {
    "batch_size": 256,
    "micro_batch": None,
    "divide_weight_decay": True,
    "search": "grid",
    "momentum": 0.9,
    "nesterov": True,
    "decayed": "weights",
    "batch_norm": "by-epoch",
    "head": "zero",
    "regularisation": "as-pretrained",
    "evaluation": "better",
    "crop_scale": (0.08, 1.0),
    "crop_ratio": (3 / 4, 4 / 3),
    "flip": True,
    "pixels": "original",
}
GRIDS = {
    FineTune: ("fine-tune", 20_000, spaced(-4, -1, 7), (0.0, *spaced(-6, -3, 7))),
    FromScratch: ("from-scratch", 40_000, spaced(-3, 0, 7), spaced(-5, -1.5, 8)),
}


@pytest.mark.parametrize("method", GRIDS)
def test_paper_is_the_paper_to_the_letter(method):
    name, steps, rates, decays = GRIDS[method]
    grid = {"name": name, "steps": steps, "learning_rates": rates, "weight_decays": decays}
    assert method.preset("paper").model_dump() == PAPER | grid
    assert len(method.preset("paper").cells()) == 56


@pytest.mark.parametrize("method", GRIDS)
def test_quick_is_the_default_and_one_s_own_settings_come_first(method):
    assert method() == method.preset("quick")
    assert method.preset("paper", steps=7).steps == 7
    assert method.preset("paper", steps=7).batch_size == 256
    assert method.preset("paper").identity() != method().identity()


@pytest.mark.parametrize("method", GRIDS)
def test_identity_keeps_all_that_tells_a_preset_apart(method):
    """What is kept can be read again to the same settings, whatever became of the presets."""
    for preset in ("quick", "paper"):
        settings = method.preset(preset, momentum=0.8)
        again = method.model_validate(settings.identity())
        assert again == settings
        assert "preset" not in settings.identity()


def test_values_are_spaced_evenly_on_a_logarithmic_scale():
    assert spaced(-4, -1, 4) == pytest.approx((1e-4, 1e-3, 1e-2, 1e-1))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"preset": "fast"}, "'fast' is none: there are quick and paper"),
        ({"learning_rates": (0.1, 0.1)}, "at least one, each of them once"),
        ({"learning_rates": (0.1, 0.0)}, "must be positive"),
        ({"learning_rates": ()}, "at least one"),
        ({"weight_decays": ()}, "at least one"),
        ({"weight_decays": (0.0, -1e-3)}, "0 or more"),
        ({"weight_decays": (float("nan"),)}, "finite"),
        ({"crop_scale": (0.5, 0.2)}, "no range"),
        ({"steps": 0}, "greater than or equal to 1"),
        ({"epochs": 3}, "not permitted"),
    ],
)
def test_what_is_not_right_is_refused(settings, says):
    with pytest.raises(ValidationError, match=says):
        FineTune(**settings)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"crop_scale": (0.5, 1.5)}, "more than the picture"),
        ({"micro_batch": 64, "batch_size": 32}, "micro_batch 64 is larger than batch_size 32"),
    ],
)
def test_what_a_recipe_would_refuse_is_refused_before_anything_is_computed(settings, says):
    with pytest.raises(ValidationError, match=says):
        FineTune(**settings)
