"""A batch in pieces: the same gradients without batch norm, the same memory with it."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_training import ArrayImages, Notes, fit, network, pictures, recipe
from torch import Tensor, nn

from penultimate.errors import DeviceMemoryError, SpecError
from penultimate.training import smaller_micro_batch
from penultimate.training.batch_norm import momentum_of_share, pieces


def same(a: nn.Module, b: nn.Module, tolerance: float = 2e-6) -> None:
    other = b.state_dict()
    for name, value in a.state_dict().items():
        torch.testing.assert_close(value, other[name], rtol=1e-5, atol=tolerance, msg=name)


@pytest.mark.parametrize("micro_batch", [6, 4, 5, 1])
def test_pieces_equal_the_whole_batch_without_batch_norm(micro_batch: int) -> None:
    whole, cut = network(), network()
    settings = {"steps": 15, "weight_decay": 0.01, "label_smoothing": 0.1}
    one = fit(whole, recipe(**settings))
    two = fit(cut, recipe(micro_batch=micro_batch, **settings))
    same(cut, whole)
    torch.testing.assert_close(one.curve["loss"], two.curve["loss"], rtol=1e-5, atol=1e-6)
    assert (one.micro_batch, two.micro_batch) == (12, micro_batch)


def test_pieces_equal_the_whole_batch_where_pairs_are_masked() -> None:
    images, classes = pictures()
    labels = nn.functional.one_hot(classes, 3)
    labels[torch.rand(labels.shape, generator=torch.Generator().manual_seed(1)) < 0.4] = -1
    whole, cut = network(), network()
    for model, micro_batch in ((whole, None), (cut, 5)):
        plan = recipe(steps=15, micro_batch=micro_batch)
        fit(model, plan, ArrayImages(images, labels, 12), multi_label=True)
    same(cut, whole)


def test_the_momentum_of_pieces_is_that_of_the_formula() -> None:
    assert momentum_of_share(0.1, 1) == 0.1
    assert momentum_of_share(0.1, 1 / 4) == pytest.approx(1 - 0.9 ** (1 / 4))
    assert (1 - momentum_of_share(0.1, 5 / 12)) ** 2 * (
        1 - momentum_of_share(0.1, 2 / 12)
    ) == pytest.approx(0.9)


@pytest.mark.parametrize("momentum", [0.05, None])
@pytest.mark.parametrize("micro_batch", [None, 6, 3, 5])
def test_running_statistics_forget_as_fast_in_pieces(
    momentum: float | None, micro_batch: int | None
) -> None:
    # Every image is alike in mean, so that every piece has the statistics of the whole.
    images = torch.full((24, 3, 4, 4), 2.0)
    model = nn.Sequential(nn.BatchNorm2d(3, momentum=0.2), nn.Flatten(), nn.Linear(48, 3))
    plan = recipe(steps=7, batch_norm_momentum=momentum, micro_batch=micro_batch)
    fit(model, plan, ArrayImages(images, torch.arange(24) % 3, 12))
    forgotten = (1 - (momentum or 0.2)) ** 7
    expected = torch.full((3,), 2.0 * (1 - forgotten))
    torch.testing.assert_close(model[0].running_mean, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(model[0].running_var, torch.full((3,), forgotten), rtol=1e-5, atol=0)
    assert model[0].momentum == 0.2, "as the network had it"


@pytest.mark.parametrize(
    ("batch_size", "micro_batch", "message"),
    [
        (1, None, "batches of 1 images leave a single image for the network's batch norm"),
        (12, 1, "batches of 12 images in micro-batches of 1 leave a single image"),
        (13, 4, "batches of 13 images in micro-batches of 4 leave a single image"),
    ],
)
def test_a_single_image_in_batch_norm_is_refused(
    batch_size: int, micro_batch: int | None, message: str
) -> None:
    plan = recipe(batch_size=batch_size, micro_batch=micro_batch)
    with pytest.raises(SpecError, match=message):
        fit(network(batch_norm=True), plan)
    assert fit(network(), plan).status == "finished"


def test_a_batch_larger_than_the_training_set_is_refused() -> None:
    with pytest.raises(SpecError, match="batch_size 60 is larger than the training set of 48"):
        fit(network(), recipe(batch_size=60))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_smaller_pieces_are_about_half_and_never_one_image_in_batch_norm(batch_norm: bool) -> None:
    for batch_size in range(1, 40):
        size: int | None = batch_size
        seen = []
        while size is not None:
            seen.append(size)
            size = smaller_micro_batch(batch_size, size, batch_norm=batch_norm)
            if size is not None:
                assert size <= (seen[-1] + 1) // 2 and size < seen[-1]
                assert sum(pieces(batch_size, size)) == batch_size
                assert not batch_norm or min(pieces(batch_size, size)) > 1
        if not batch_norm:
            assert seen[-1] == 1
        elif batch_size % 2 == 0:
            assert seen[-1] == 2


class ShortOfMemory(nn.Module):
    """Holds a few images and no more, as a small GPU would."""

    def __init__(self, inner: nn.Module, room: int) -> None:
        super().__init__()
        self.inner, self.room = inner, room

    def forward(self, images: Tensor) -> Tensor:
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        logits: Tensor = self.inner(images)
        return logits


def test_without_memory_the_micro_batch_is_halved_and_that_is_said() -> None:
    model, plain, notes = network(), network(), Notes()
    done = fit(ShortOfMemory(model, 4), recipe(), progress=notes)
    fit(plain, recipe())
    same(model, plain)
    assert (done.micro_batch, done.steps) == (3, 10)
    assert [note.partition(" going on with ")[2][:1] for note in notes.said] == ["6", "3"]


def test_without_memory_a_network_with_batch_norm_is_not_changed_behind_ones_back() -> None:
    model = network(batch_norm=True)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(DeviceMemoryError, match=r"12 images of \(3, 8, 8\) do not fit .*below 12"):
        fit(ShortOfMemory(model, 4), recipe())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_an_image_that_does_not_fit_alone_is_an_error() -> None:
    with pytest.raises(DeviceMemoryError, match="1 images"):
        fit(ShortOfMemory(network(), 0), recipe())


def test_a_lack_of_memory_outside_a_micro_batch_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*args: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.optim.SGD, "step", fails)
    with pytest.raises(DeviceMemoryError, match="its optimiser do not fit into the memory of cpu"):
        fit(network(), recipe())
