"""From cuts of pictures to the network's input: in threads on the CPU, in batches on a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from penultimate.backbones import ResolvedBackbone
from penultimate.errors import BackboneError
from penultimate.spec import Preprocessing
from penultimate.training.resample import PILLOW, Pixels, resample, resized

CHUNK = 16  # pictures that one thread takes at a time
FILLED = 2**26  # bytes that pictures filled up to one size take, unless one alone takes more

Span = tuple[float, float]  # begin and length, in pixels


@dataclass(frozen=True, eq=False)
class Cut:
    """Pixels and the part of them that becomes the square.

    Parameters
    ----------
    pixels : (height, width, 3), what the square depends on and no more.
    down, across : the part, within ``pixels``; may be fractions.
    mirrored : turned left to right.
    """

    pixels: Pixels
    down: Span
    across: Span
    mirrored: bool = False

    @classmethod
    def whole(cls, pixels: Pixels, mirrored: bool = False) -> Self:
        """All of the pixels."""
        return cls(pixels, (0, pixels.shape[0]), (0, pixels.shape[1]), mirrored)

    @property
    def is_whole(self) -> bool:
        """Whether the part is all of the pixels."""
        whole: tuple[Span, Span] = ((0, self.pixels.shape[0]), (0, self.pixels.shape[1]))
        return (self.down, self.across) == whole


@dataclass(frozen=True, eq=False)
class Filled:
    """Pictures of several sizes filled up to one, for the device to resample: see ``resample``."""

    pixels: Tensor
    spans: Tensor
    mirrored: Tensor

    def squares(self, preprocessing: Preprocessing, device: torch.device) -> Tensor:
        """(n, 3, S, S), whole values 0..255, on the device."""
        return resample(
            sent(self.pixels, device),
            sent(self.spans, device),
            preprocessing.size,
            preprocessing.interpolation,
            sent(self.mirrored, device),
        )


def to_learn_with(backbone: ResolvedBackbone) -> Preprocessing:
    """How a network that is to be trained sees a picture.

    Raises
    ------
    BackboneError : it has a transform of the user's own, of which no random crop can be taken.
    """
    if isinstance(backbone.preprocessing, Preprocessing):
        return backbone.preprocessing
    raise BackboneError(
        f"{backbone.spec.display} comes with a transform of its own, and training has to crop "
        "pictures itself: use the linear probe with it, or a network that is known by its name"
    )


def prepare(
    cuts: Sequence[Cut], preprocessing: Preprocessing, device: torch.device
) -> list[Tensor | Filled]:
    """The part of the work that threads do: squares (n, 3, S, S), or what becomes squares."""
    if device.type == "cpu":
        squares = np.stack([_square(cut, preprocessing) for cut in cuts])
        return [torch.from_numpy(squares).permute(0, 3, 1, 2)]
    return [_filled(group, pinned=device.type == "cuda") for group in _groups(cuts)]


def finish(
    prepared: Iterable[Tensor | Filled], preprocessing: Preprocessing, device: torch.device
) -> Tensor:
    """The network's input (n, 3, S, S): float32, normalised, channels last, on the device."""
    squares = torch.cat(
        [
            part.squares(preprocessing, device) if isinstance(part, Filled) else part
            for part in prepared
        ]
    )
    mean, std = _colours(preprocessing, device)
    images = squares.contiguous(memory_format=torch.channels_last).float()
    return images.div_(255).sub_(mean).div_(std)


@lru_cache(maxsize=8)
def _colours(preprocessing: Preprocessing, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, sent once: sending waits for all that the device has to do."""
    with torch.inference_mode(False):
        mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
        std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)
    return mean, std


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on the device, without waiting for what the device still has to do."""
    if device.type == "cuda" and not tensor.is_pinned():
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=device.type == "cuda")


def _square(cut: Cut, preprocessing: Preprocessing) -> Pixels:
    """(S, S, 3) on the CPU."""
    size = preprocessing.size
    if cut.is_whole:
        square = resized(cut.pixels, size, preprocessing.interpolation)
    else:
        (top, height), (left, width) = cut.down, cut.across
        square = np.asarray(
            Image.fromarray(cut.pixels).resize(
                (size, size),
                PILLOW[preprocessing.interpolation],
                box=(left, top, left + width, top + height),
            )
        )
    return square[:, ::-1] if cut.mirrored else square


def _filled(cuts: Sequence[Cut], *, pinned: bool) -> Filled:
    height = max(cut.pixels.shape[0] for cut in cuts)
    width = max(cut.pixels.shape[1] for cut in cuts)
    pixels = torch.zeros((len(cuts), height, width, 3), dtype=torch.uint8, pin_memory=pinned)
    for room, cut in zip(pixels.numpy(), cuts, strict=True):
        room[: cut.pixels.shape[0], : cut.pixels.shape[1]] = cut.pixels
    spans = torch.tensor(
        [[(*cut.down, cut.pixels.shape[0]), (*cut.across, cut.pixels.shape[1])] for cut in cuts],
        dtype=torch.float32,
    )
    return Filled(pixels, spans, torch.tensor([bool(cut.mirrored) for cut in cuts]))


def _groups(cuts: Sequence[Cut]) -> Iterator[list[Cut]]:
    """One after the other, as many at a time as fill no more memory than is meant to be filled."""
    group: list[Cut] = []
    for cut in cuts:
        sides = [max(other.pixels.shape[side] for other in (*group, cut)) for side in (0, 1)]
        if group and (len(group) + 1) * sides[0] * sides[1] * 3 > FILLED:
            yield group
            group = []
        group.append(cut)
    if group:
        yield group
