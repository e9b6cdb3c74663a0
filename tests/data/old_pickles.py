"""Pickles as Python 2 and its numpy wrote them, in which CIFAR is published.

Today's ``pickle`` cannot write them: it has no byte strings of Python 2, names numpy's parts anew
and gives booleans where there were 0 and 1.
"""

from __future__ import annotations

import struct

import numpy as np


def python2_pickle(value: object) -> bytes:
    """A value of dictionaries, lists, text, whole numbers and 8-bit arrays; protocol 2."""
    return b"\x80\x02" + _written(value) + b"."


def _written(value: object) -> bytes:
    if isinstance(value, dict):
        items = b"".join(_written(key) + _written(item) for key, item in value.items())
        return b"}(" + items + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_written, value)) + b"e"
    if isinstance(value, str):
        return _string(value.encode("latin1"))
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    assert isinstance(value, np.ndarray) and value.dtype == np.uint8
    return _array(value)


def _string(value: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(value)) + value


def _tuple(*written: bytes) -> bytes:
    return b"(" + b"".join(written) + b"t"


def _array(array: np.ndarray) -> bytes:
    """``_reconstruct(ndarray, (0,), 'b')``, then its state: shape, type, order and bytes."""
    one, zero, minus = (_written(number) for number in (1, 0, -1))
    empty = b"cnumpy.core.multiarray\n_reconstruct\n"
    empty += _tuple(b"cnumpy\nndarray\n", _tuple(zero), _string(b"b")) + b"R"
    kind = b"cnumpy\ndtype\n" + _tuple(_string(b"u1"), zero, one) + b"R"
    kind += _tuple(_written(3), _string(b"|"), b"N", b"N", b"N", minus, minus, zero) + b"b"
    shape = _tuple(*map(_written, array.shape))
    return empty + _tuple(one, shape, kind, b"\x89", _string(array.tobytes())) + b"b"
