"""The directions in which features vary, the widest first."""

from __future__ import annotations

import torch
from torch import Tensor

from penultimate.errors import SolverError


def eigenbasis(gram: Tensor) -> Tensor:
    """Eigenvectors (D, D), in columns, of a symmetric matrix; those of large eigenvalues first.

    LAPACK's solver in float32 gives up on matrices with hundreds of rows of zeros, which networks
    make whose last activations are off for all of the images. In float64 it does not.

    Raises
    ------
    SolverError : it gives up in float64, too.
    """
    try:
        vectors: Tensor = torch.linalg.eigh(gram).eigenvectors
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]  # documented
        if gram.dtype != torch.float64:
            return eigenbasis(gram.double()).to(gram.dtype)
        raise SolverError(
            "LAPACK finds no eigenbasis of the features: look for columns of extreme values, and "
            "scale them or leave them out"
        ) from error
    return vectors.flip(1)
