"""The results store: find what is done, keep what is being done apart, commit.

::

    STORE/store.json                       the schema's version
    STORE/runs/<digest>/result.json        the commit: a run without it is unfinished
    STORE/runs/<digest>/attempts/<id>/     one writer's files; result.json names the one that counts
    STORE/trainings/<digest>/              one training of a network (``store/training.py``)
    STORE/splits/<fingerprint>.csv         which image is in which part, to repeat or reuse
    STORE/imagenet/                        what is known of the networks' ImageNet accuracy
    STORE/leases/                          who computes what now
    STORE/features/                        the feature cache (see ``penultimate.features``)
    STORE/pixels/                          decoded images for training (``penultimate.training``)
    STORE/thumbnails/                      small copies of test images, if asked for; derived
    STORE/index.parquet                    derived from the results; delete it at any time

``result.json`` comes into being whole or not at all, of two writers the first wins, and no folder
is ever renamed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from penultimate.errors import NewerSchemaError, StoreError
from penultimate.io import (
    create_exclusive,
    indented_json,
    naming_full_disk,
    write_atomic,
    write_json,
)
from penultimate.lease import EXPIRY, Waiter
from penultimate.store.imagenet import ImageNetAccuracies
from penultimate.store.parquet import read_table
from penultimate.store.result import FEATURE_SAMPLE, SCHEMA_VERSION, Result
from penultimate.store.run import Run
from penultimate.store.thumbnails import Thumbnails
from penultimate.store.trainings import Trainings

if TYPE_CHECKING:
    import pandas as pd

MATCHES_SHOWN = 4


@dataclass(frozen=True)
class Attempt:
    """A folder of one writer's own, for one run."""

    digest: str
    folder: Path

    def path(self, name: str) -> Path:
        """Where to write the artefact ``name``."""
        return self.folder / name


class ResultStore:
    """Results under one folder, safe for many writers.

    Raises
    ------
    StoreError : the place is a file, holds something else, or cannot be written.
    NewerSchemaError : a newer version of this package wrote it.
    """

    def __init__(self, root: Path | str, *, create: bool = True) -> None:
        self.root = Path(root)
        self.imagenet = ImageNetAccuracies(self.root)
        self.trainings = Trainings(self.root)
        self.thumbnails = Thumbnails(self.root)
        marker = self.root / "store.json"
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is a file: a store is a folder, choose another name")
        if marker.is_file():
            _check_schema(_load_json(marker), marker)
        elif not create:
            raise StoreError(
                f"there is no results store at {self.root}: 'penultimate run ... --store "
                f"{self.root}' makes one"
            )
        elif _holds_other_files(self.root) and not marker.is_file():
            raise StoreError(
                f"{self.root} holds other files and no store.json: choose an empty or new folder"
            )
        else:
            write_json(marker, {"schema_version": SCHEMA_VERSION})

    # Reading

    def find(self, run: Run) -> Result | None:
        """The result of a run, or None where it is not finished."""
        return self.get(run.digest)

    def get(self, digest: str) -> Result | None:
        """The result with this digest, or None where there is none."""
        path = self.root / "runs" / digest / "result.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(
                f"{path} cannot be read ({error.strerror}): mend its permissions or its disk"
            ) from None
        except (ValueError, RecursionError) as error:
            raise StoreError(
                f"{path} is not JSON ({error}): delete its folder and run again"
            ) from None
        _check_schema(record, path)
        try:
            result = Result.model_validate(record)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise StoreError(
                f"{path} is not a result ({where}: {first['msg']}): delete its folder and run again"
            ) from None
        if result.digest != digest:
            raise StoreError(
                f"{path} is the result of run {result.digest[:12]}: it was copied by hand, delete "
                "its folder"
            )
        return result

    def digests(self) -> list[str]:
        """The digests of all finished runs, sorted."""
        return sorted(self.stamps())

    def stamps(self) -> dict[str, int]:
        """The digest of each finished run, and when its result was written, in nanoseconds."""
        found = {}
        runs = self.root / "runs"
        for run in runs.iterdir() if runs.is_dir() else ():
            try:
                found[run.name] = (run / "result.json").stat().st_mtime_ns
            except (FileNotFoundError, NotADirectoryError):
                continue  # unfinished, or a file that somebody put there
        return found

    def results(self) -> Iterator[Result]:
        """All finished runs, by digest."""
        for digest in self.digests():
            if (result := self.get(digest)) is not None:
                yield result

    def match(self, name: str) -> Result:
        """The one result whose digest begins with ``name``, or whose backbone is called that.

        Of a backbone that was repeated over splits the one on the first split.

        Raises
        ------
        StoreError : none does, or several do; they are named.
        """
        frame = self.frame()
        called = frame["backbone"] == name
        if (on_first := called & (frame["repeat"] == 0)).any():
            called = on_first
        found = frame[frame["run"].str.startswith(name) | called]
        if found.empty:
            raise StoreError(
                f"no run and no backbone in {self.root} is called {name!r}: "
                f"'penultimate results {self.root}' lists them"
            )
        if len(found) > 1:
            first = found.head(MATCHES_SHOWN)
            listed = ", ".join(
                f"{run[:10]} ({task}, {backbone}, seed {seed})"
                for run, task, backbone, seed in zip(
                    first["run"], first["task"], first["backbone"], first["seed"], strict=True
                )
            )
            more = len(found) - len(first)
            raise StoreError(
                f"{len(found)} runs in {self.root} are called {name!r}: choose one by its digest, "
                f"{listed}" + (f" and {more} more" if more else "")
            )
        result = self.get(found["run"].iloc[0])
        if result is None:  # deleted between listing and reading
            raise StoreError(f"run {name} has gone from {self.root} meanwhile")
        return result

    def artefact(self, result: Result, kind: str) -> Path:
        """The path of one of a result's artefacts.

        Raises
        ------
        StoreError : the result has none of this kind, or it lies outside the store.
        """
        if kind not in result.artefacts:
            raise StoreError(
                f"run {result.digest[:12]} has no {kind}: it has {', '.join(result.artefacts)}"
            )
        try:
            path = (self.root / result.artefacts[kind]).resolve()
            inside = path.is_relative_to(self.root.resolve())
        except (OSError, ValueError, RuntimeError):  # no path at all, or links in a circle
            inside = False
        if not inside:
            raise StoreError(
                f"the {kind} of run {result.digest[:12]} would lie outside the store: delete the "
                "run's folder and run again"
            )
        if not path.is_file():
            raise StoreError(f"{path} is missing: delete the run's folder and run again")
        return path

    def predictions(self, result: Result) -> pd.DataFrame:
        """``example_id, label, predicted, p_predicted, p_label`` of each test example.

        Where an example can have several labels: ``example_id``, and for each class
        ``label:CLASS`` (1, 0 or -1 for masked) and ``log_odds:CLASS``.

        Raises
        ------
        StoreError : they are missing or damaged.
        """
        return read_table(self.artefact(result, "predictions"), "run")

    def feature_sample(self, result: Result) -> pd.DataFrame:
        """Some test examples' features: ``example_id, label, component:0, component:1, ...``.

        Principal components of a sample that is the same for all networks on one task (see
        ``penultimate.execution.feature_sample``).

        Raises
        ------
        StoreError : the run kept none, or it is missing or damaged.
        """
        return read_table(self.artefact(result, FEATURE_SAMPLE), "run")

    def frame(self) -> pd.DataFrame:
        """All results as a tidy frame, a row a run; undefined is NaN."""
        from penultimate.store.index import read_frame

        return read_frame(self)

    # Writing

    def lease(self, name: str, expiry: float = EXPIRY) -> Waiter:
        """Compete for the right to do the work called ``name`` (letters and digits)."""
        return Waiter(self.root / "leases" / f"{name}.json", expiry)

    def begin(self, run: Run) -> Attempt:
        """A new folder for one attempt at ``run``."""
        folder = self.root / "runs" / run.digest / "attempts" / uuid.uuid4().hex[:12]
        with naming_full_disk(folder):
            folder.mkdir(parents=True)
        return Attempt(run.digest, folder)

    def relative(self, path: Path) -> str:
        """A path under the store as ``Result.artefacts`` writes it."""
        return path.relative_to(self.root).as_posix()

    def commit(self, attempt: Attempt, result: Result) -> Result:
        """Make ``result`` the run's result, unless it already has one; what counts is returned."""
        final = self.root / "runs" / attempt.digest / "result.json"
        if not create_exclusive(final, indented_json(result.model_dump(mode="json"))):
            shutil.rmtree(attempt.folder, ignore_errors=True)
        committed = self.get(attempt.digest)
        if committed is None:
            raise StoreError(f"{final} was removed while it was written: run again")
        self.tidy(committed)
        return committed

    def tidy(self, committed: Result) -> None:
        """Remove what crashed or slower attempts at a committed run left: files, a lease."""
        kept = {Path(path).parent.name for path in committed.artefacts.values()}
        for attempt in (self.root / "runs" / committed.digest / "attempts").glob("*"):
            if attempt.name not in kept:
                shutil.rmtree(attempt, ignore_errors=True)
        with contextlib.suppress(OSError):  # there is none, or nothing can be written here
            (self.root / "leases" / f"{committed.digest}.json").unlink()

    def write_split(self, fingerprint: str, content: str) -> Path:
        """Keep which example is in which part, by the data's fingerprint."""
        path = self.root / "splits" / f"{fingerprint}.csv"
        if not path.is_file():
            write_atomic(path, content)
        return path


def _holds_other_files(root: Path) -> bool:
    """Whether there is more than the marker that another process may be writing just now."""
    return root.is_dir() and any("store.json" not in path.name for path in root.iterdir())


def _load_json(path: Path) -> dict[str, object]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(
            f"{path} is not JSON ({error}): restore it, or choose another store"
        ) from None
    if not isinstance(record, dict):
        raise StoreError(f"{path} is not a store's marker: choose another store")
    return record


def _check_schema(record: object, path: Path) -> None:
    version = record.get("schema_version") if isinstance(record, dict) else None
    if not isinstance(version, int):
        raise StoreError(f"{path} has no schema_version: it is not of this package's making")
    if version > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"{path} has schema {version} and this version of penultimate reads up to "
            f"{SCHEMA_VERSION}: pip install --upgrade penultimate"
        )
