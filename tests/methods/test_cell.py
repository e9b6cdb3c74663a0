"""What settings come to on a data set: steps, batches, and the recipe of one cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penultimate.errors import SpecError
from penultimate.methods.cell import (
    Cell,
    batch_norm_momentum,
    budget,
    cells,
    recipe,
    reduced_side,
)
from penultimate.spec import FineTune, FromScratch, Preprocessing

CELL = Cell(learning_rate=0.01, weight_decay=1e-5)


def of(settings, cell: Cell = CELL, **changes):
    given = {"steps": 100, "batch_size": 32, "n_images": 640, "batch_norm": True}
    return recipe(settings, cell, **(given | changes))


def test_the_paper_s_grids_have_their_cells():
    tuned, scratch = FineTune.preset("paper"), FromScratch.preset("paper")
    assert len(cells(tuned)) == 7 * 8
    assert len(cells(scratch)) == 7 * 8
    rates = sorted({c.learning_rate for c in cells(tuned)})
    assert rates == pytest.approx([1e-4, 10**-3.5, 1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1])
    decays = sorted({c.weight_decay for c in cells(tuned)})
    assert decays == pytest.approx([0, 1e-6, 10**-5.5, 1e-5, 10**-4.5, 1e-4, 10**-3.5, 1e-3])
    decays = sorted({c.weight_decay for c in cells(scratch)})
    assert decays == pytest.approx([10 ** (-5 + i / 2) for i in range(8)])


def test_weight_decay_is_divided_by_the_learning_rate_or_is_not():
    assert of(FineTune()).weight_decay == pytest.approx(1e-3)
    assert of(FineTune(divide_weight_decay=False)).weight_decay == 1e-5
    assert of(FineTune(), Cell(0.01, 0.0)).weight_decay == 0


@pytest.mark.parametrize(
    ("images", "batch", "momentum"),
    [(640, 32, 0.1), (3_200, 32, 0.1), (6_400, 32, 0.05), (75_750, 256, 10 / (75_750 / 256))],
)
def test_batch_norm_remembers_ten_epochs_worth_at_most(images, batch, momentum):
    """max(1 - 10 / s, 0.9) is the share that is kept; PyTorch's momentum is the rest."""
    kept = max(1 - 10 / (images / batch), 0.9)
    assert batch_norm_momentum(images, batch) == pytest.approx(1 - kept) == pytest.approx(momentum)
    found = of(FineTune(), batch_size=batch, n_images=images)
    assert found.batch_norm_momentum == pytest.approx(momentum)


def test_batch_norm_s_settings_are_left_out_where_they_change_nothing():
    settings = FineTune(micro_batch=8)
    assert of(settings).micro_batch == 8
    without = of(settings, batch_norm=False)
    assert without.micro_batch is None and without.batch_norm_momentum is None
    assert of(FineTune(micro_batch=32)).micro_batch is None  # the whole batch
    assert of(FineTune(batch_norm="own")).batch_norm_momentum is None


def test_every_other_setting_reaches_the_recipe():
    settings = FineTune(
        momentum=0.8,
        nesterov=False,
        decayed="all",
        crop_scale=(0.2, 0.9),
        crop_ratio=(1.0, 2.0),
        flip=False,
        pixels="original",
    )
    found = of(settings, label_smoothing=0.1, precision="bfloat16")
    assert (found.momentum, found.nesterov, found.decayed) == (0.8, False, "all")
    assert (found.label_smoothing, found.precision) == (0.1, "bfloat16")
    augmentation = found.augmentation
    assert (augmentation.crop_scale, augmentation.crop_ratio) == ((0.2, 0.9), (1.0, 2.0))
    assert (augmentation.flip, augmentation.pixels) == (False, "original")
    assert (found.schedule, found.warmup_steps, found.average) == ("cosine", 0, None)


@given(n=st.integers(1, 10**7), method=st.sampled_from([FineTune(), FromScratch()]))
def test_quick_has_whole_batches_and_bounded_steps(n, method):
    found = budget(method, n)
    assert 1 <= found.batch_size <= max(1, n // 4)
    assert found.steps >= 1
    assert found.steps <= 2_000


def test_the_paper_s_budget_does_not_depend_on_the_data():
    assert {budget(FineTune.preset("paper"), n).steps for n in (300, 10**6)} == {20_000}
    assert budget(FromScratch.preset("paper"), 300).steps == 40_000
    assert budget(FromScratch.preset("paper"), 300).batch_size == 256


def test_a_batch_larger_than_the_training_set_is_refused():
    with pytest.raises(SpecError, match="batch_size 256 is larger than the 255 training images"):
        budget(FineTune.preset("paper"), 255)
    assert budget(FineTune(batch_size=4, steps=7), 4).batch_size == 4


def test_pictures_are_reduced_as_256_is_to_224():
    preprocessing = Preprocessing(size=224, mean=(0, 0, 0), std=(1, 1, 1), interpolation="bicubic")
    assert reduced_side(FineTune(), preprocessing) == 256
    assert reduced_side(FineTune.preset("paper"), preprocessing) is None
