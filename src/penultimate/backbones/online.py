"""Weights that are downloaded: where there is no network, that is said at once and once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
import torch

from penultimate.errors import WeightsUnavailableError
from penultimate.io import reachable


@contextmanager
def hub(name: str, architecture: str = "") -> Iterator[None]:
    """Let weights be fetched from the hub; offline, say so at once and not after a minute."""
    constants = huggingface_hub.constants
    offline = constants.HF_HUB_OFFLINE
    there = offline or reachable(constants.ENDPOINT)
    constants.HF_HUB_OFFLINE = offline or not there
    try:
        yield
    except (OSError, huggingface_hub.errors.HfHubHTTPError) as error:
        reason = str(error) if there else f"{constants.ENDPOINT} cannot be reached"
        reason = "HF_HUB_OFFLINE is set" if offline else reason.replace(". ", "; ")
        raise WeightsUnavailableError(unavailable(name, reason, architecture)) from error
    finally:
        constants.HF_HUB_OFFLINE = offline


def fetch(url: str, name: str, architecture: str) -> Path:
    """The file at ``url``, whose name ends with the beginning of its SHA-256; downloaded once.

    It is kept where PyTorch keeps such files, so that what torchvision has fetched is used.

    Raises
    ------
    WeightsUnavailableError : it is not here and cannot be downloaded.
    """
    file = Path(urlsplit(url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if path.is_file():
        return path
    if not reachable(url):
        reason = f"{urlsplit(url).hostname} cannot be reached"
        raise WeightsUnavailableError(unavailable(name, reason, architecture))
    digest = Path(file).stem.rpartition("-")[2]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), digest, progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:  # RuntimeError: what came has another digest
        raise WeightsUnavailableError(unavailable(name, str(error), architecture)) from error
    return path


def unavailable(name: str, reason: str, architecture: str = "") -> str:
    """That weights are not to be had, why, and what can be done."""
    first = next(iter(reason.splitlines()), "no reason given").rstrip(".")
    if not architecture:
        architecture = name.partition("@")[0].rpartition("/")[2].partition(".")[0]
    return (
        f"the weights of {name} are not on this machine and cannot be downloaded ({first}): "
        f"connect to the network, or use offline ways: {architecture}@CHECKPOINT "
        "(a .safetensors or .pth file), local-dir:DIR, or tf_efficientnet_lite0@package"
    )
