"""The trainings of a store: found, begun, committed (the layout is in ``store/training.py``)."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from penultimate.errors import StoreError
from penultimate.io import create_exclusive, indented_json, naming_full_disk, write_atomic
from penultimate.lease import EXPIRY, Waiter
from penultimate.store.parquet import read_table
from penultimate.store.training import Training, TrainingRecord

if TYPE_CHECKING:
    import pandas as pd


class Trainings:
    """Trainings under a store's root, each in a folder of its own.

    One process works on a training at a time, by its lease. Should two all the same, each file is
    written whole, the numbers of both are the same, and the first record counts.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, training: Training) -> Path:
        """Where a training's files are, or will be."""
        return self._folder(training.digest)

    def checkpoint(self, training: Training) -> Path:
        """Where its state is kept while it runs."""
        return self.folder(training) / "checkpoint.pt"

    def network(self, training: Training) -> Path:
        """Where the trained network is kept, of those that are used again."""
        return self.folder(training) / "network.safetensors"

    def find(self, training: Training) -> TrainingRecord | None:
        """What a training left, or None where it has not come to its end.

        Raises
        ------
        StoreError : the record is damaged.
        """
        return self.get(training.digest)

    def get(self, digest: str) -> TrainingRecord | None:
        """The record with this digest, or None where there is none.

        Raises
        ------
        StoreError : the record is damaged.
        """
        path = self._folder(digest) / "record.json"
        again = "delete its folder and run again"
        try:
            record = TrainingRecord.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read ({error.strerror}): mend its permissions or its disk"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StoreError(
                f"{path} is not the record of a training ({where}: {first['msg']}): {again}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path} is not JSON ({error}): {again}") from None
        if record.digest != digest:
            raise StoreError(f"{path} is of training {record.digest[:12]}: {again}")
        return record

    def records(self) -> dict[str, TrainingRecord]:
        """All finished trainings, by digest."""
        folders = self._root / "trainings"
        digests = sorted(f.name for f in folders.iterdir()) if folders.is_dir() else []
        found = {digest: self.get(digest) for digest in digests}
        return {digest: record for digest, record in found.items() if record is not None}

    def curve(self, digest: str) -> pd.DataFrame:
        """Loss, learning rate and speed of a finished training, a row for each step kept.

        Raises
        ------
        StoreError : it is missing or damaged.
        """
        return read_table(self._folder(digest) / "curve.parquet", "training")

    def lease(self, training: Training, expiry: float = EXPIRY) -> Waiter:
        """Compete for the right to train it."""
        return Waiter(self._lease(training.digest), expiry)

    def begin(self, training: Training) -> Path:
        """Its folder, made where it is not there yet; a checkpoint in it is an earlier attempt's.

        Raises
        ------
        StoreError : the disk is full or cannot be written.
        """
        folder = self.folder(training)
        with naming_full_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def commit(self, record: TrainingRecord, curve: pd.DataFrame) -> TrainingRecord:
        """Make ``record`` the training's record, unless it has one; what counts is returned.

        Raises
        ------
        StoreError : the disk is full or cannot be written.
        """
        folder = self._folder(record.digest)
        path = folder / "record.json"
        if not path.exists():
            write_atomic(folder / "curve.parquet", curve.to_parquet(index=False))
            create_exclusive(path, indented_json(record.model_dump(mode="json")))
        committed = self.get(record.digest)
        if committed is None:
            raise StoreError(f"{path} was removed while it was written: run again")
        self.tidy(committed)
        return committed

    def tidy(self, committed: TrainingRecord) -> None:
        """Remove what a finished training needs no longer: its checkpoint, a dead one's lease.

        The lease of one who is alive stays.
        """
        folder = self._folder(committed.digest)
        with contextlib.suppress(OSError):  # nothing can be written here
            for left in [*folder.glob("checkpoint.pt*"), *folder.glob(".*")]:
                left.unlink(missing_ok=True)
        path = self._lease(committed.digest)
        with contextlib.suppress(StoreError):
            if path.exists() and (lease := Waiter(path).try_acquire()) is not None:
                with lease:
                    pass

    def _folder(self, digest: str) -> Path:
        return self._root / "trainings" / digest

    def _lease(self, digest: str) -> Path:
        return self._root / "leases" / f"{digest}.json"
