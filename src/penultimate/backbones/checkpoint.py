"""Weights from a file: read safely, unwrapped from how trainers nest them, fitted by name."""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from penultimate.backbones.converters import convert
from penultimate.errors import CheckpointError, UnknownNameError, nearest

if TYPE_CHECKING:
    from torch import Tensor, nn

# Under which key trainers put the network's weights, in the order in which they are tried.
NESTS = ("state_dict", "model_state_dict", "model", "module", "network", "net", "weights")
SHOWN = 5  # keys named in an error


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` or ``.pth`` file by name.

    Raises
    ------
    CheckpointError : the file is missing, is no checkpoint, or holds more than tensors.
    """
    import torch
    from safetensors.torch import load_file

    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}: check the path after '@'")
    try:
        if path.suffix == ".safetensors":
            content: object = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of how it was pickled: it can be read or not
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" in str(error).lower():
            raise CheckpointError(
                f"{path} holds Python objects besides tensors, which could run code when read: "
                "save only its state_dict, best as .safetensors"
            ) from None
        raise CheckpointError(f"{path} is no PyTorch checkpoint: {_first_line(error)}") from None
    except Exception as error:  # damaged files fail in the unpickler's own many ways
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({_first_line(error)}): is it whole?"
        ) from None
    state = _unwrap(content)
    if not state:
        raise CheckpointError(
            f"{path} holds no state_dict: tensors by name are expected, at the top or under one "
            f"of {', '.join(NESTS)}"
        )
    return state


def given_path(architecture: str, weights: str, words: tuple[str, ...]) -> Path:
    """The path of a checkpoint that was named after ``@``.

    Parameters
    ----------
    words : what else may stand there, to tell a mistyped word from a file that is not there.

    Raises
    ------
    UnknownNameError, CheckpointError : there is no such file.
    """
    path = Path(weights).expanduser()
    if path.is_file():
        return path
    if not path.suffix and nearest(weights, words):
        known = [f"{architecture}@{word}" for word in words]
        remedy = "'penultimate list backbones' shows all"
        raise UnknownNameError("backbone", f"{architecture}@{weights}", known, remedy)
    *others, last = ["a checkpoint's path", *map(repr, words)]
    raise CheckpointError(
        f"{architecture}@{weights}: there is no file {weights}; after '@' goes "
        f"{', '.join(others)} or {last}"
    )


def load_checkpoint(network: nn.Module, path: Path, classifier: tuple[str, ...]) -> bool:
    """Fit the checkpoint at ``path`` into ``network``, in place.

    Every tensor is fitted by name, except that a layer of ``classifier`` (prefixes) may be absent
    or of another size: features do not depend on it, and a fine-tuned network has another one.

    Returns
    -------
    whole : whether the classification layer was fitted, too.

    Raises
    ------
    CheckpointError : a key is missing, unexpected or of another shape; they are named.
    """
    own = network.state_dict()
    return fit_state(network, strip_prefix(convert(read_state(path), own), own), path, classifier)


def fit_state(
    network: nn.Module, state: dict[str, Tensor], path: Path, classifier: tuple[str, ...]
) -> bool:
    """Fit tensors that were read from ``path`` as ``load_checkpoint`` does.

    Raises
    ------
    CheckpointError : a key is missing, unexpected or of another shape; they are named.
    """
    own = network.state_dict()

    def is_head(key: str) -> bool:
        return any(key == prefix or key.startswith(f"{prefix}.") for prefix in classifier)

    state = {
        key: value
        for key, value in state.items()
        if not (is_head(key) and (key not in own or own[key].shape != value.shape))
    }
    # Counters of batches seen change no feature, and older checkpoints have none.
    missing = [
        key
        for key in own
        if key not in state and not is_head(key) and not key.endswith("num_batches_tracked")
    ]
    unexpected = [key for key in state if key not in own]
    reshaped = [
        f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
        for key in own
        if key in state and own[key].shape != state[key].shape
    ]
    if missing or unexpected or reshaped:
        faults = [
            _some("missing", missing),
            _some("unexpected", unexpected),
            _some("of another shape", reshaped),
        ]
        raise CheckpointError(
            f"{path} does not fit {type(network).__name__}: "
            + "; ".join(fault for fault in faults if fault)
            + "; name the architecture it was made with before the '@'"
        )
    fitted = OrderedDict(state)
    # The shapes fit, so the tensors are of the version of the layers that are here.
    fitted._metadata = own._metadata  # type: ignore[attr-defined]
    network.load_state_dict(fitted, strict=False)
    return all(key in state for key in own if is_head(key))


def _unwrap(content: object) -> dict[str, Tensor]:
    """Go down the nests to tensors by name; empty where there are none."""
    import torch

    while isinstance(content, dict):
        nest = next((n for n in NESTS if isinstance(content.get(n), dict)), None)
        if nest is None:
            return {str(k): v for k, v in content.items() if isinstance(v, torch.Tensor)}
        content = content[nest]
    return {}


def strip_prefix(state: dict[str, Tensor], own: Iterable[str]) -> dict[str, Tensor]:
    """Drop a wrapper's name (``module.``, ``_orig_mod.``, ``backbone.``) that all keys share."""
    children = {key.partition(".")[0] for key in own}
    while state:
        first = {key.partition(".")[0] for key in state}
        if len(first) != 1 or first <= children or any("." not in key for key in state):
            break
        state = {key.partition(".")[2]: value for key, value in state.items()}
    return state


def _some(kind: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {kind}: {', '.join(keys[:SHOWN])}{more}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
