"""A network's identity: its structure and every weight that its features depend on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def digest_network(architecture: str, network: nn.Module, classifier: tuple[str, ...]) -> str:
    """SHA-256 over the architecture and, by name, each tensor's type, shape and bytes.

    The classification layer (prefixes in ``classifier``) and the counters of batches seen are left
    out: no feature depends on them.
    """
    import torch

    digest = hashlib.sha256(architecture.encode())
    for name, tensor in sorted(network.state_dict().items()):
        in_head = any(name == prefix or name.startswith(f"{prefix}.") for prefix in classifier)
        if in_head or name.endswith("num_batches_tracked"):
            continue
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Reinterpreted as bytes, since NumPy has no bfloat16.
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(flat.numpy().data)
    return digest.hexdigest()
