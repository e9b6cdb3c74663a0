"""The folder of a pretraining becomes this process's own, or is refused."""

from __future__ import annotations

from contextlib import ExitStack

from penultimate.backbones.paper.checkpoint import origin
from penultimate.errors import StoreError
from penultimate.progress import Progress
from penultimate.store.pretraining import PretrainingFolder, PretrainingRecord, difference


def claim(
    folder: PretrainingFolder, mine: PretrainingRecord, held: ExitStack, progress: Progress
) -> PretrainingRecord:
    """What the folder holds of this pretraining: ``mine``, written into it, where it is new.

    Parameters
    ----------
    held : gives the folder back when it is closed.

    Raises
    ------
    StoreError : it holds another pretraining, or something else.
    """
    check(folder, mine)
    waiter = folder.lease()
    lease = waiter.try_acquire()
    if lease is None:
        progress.note(f"another process trains into {folder.root}: waiting for it")
        lease = waiter.acquire()
    held.enter_context(lease)
    found = check(folder, mine)  # another may have finished it while this one waited
    if found is not None:
        return found
    folder.write(mine)
    return mine


def check(folder: PretrainingFolder, mine: PretrainingRecord) -> PretrainingRecord | None:
    """The folder's record, None where there is none.

    Raises
    ------
    StoreError : it holds another pretraining, or something else.
    """
    found = folder.read()
    if found is not None and found.digest != mine.digest:
        other = found.training.model_dump(mode="json")
        how = difference(other, mine.training.model_dump(mode="json"))
        what = f"{found.backbone} on {found.task}"
        if (found.backbone, found.task) == (mine.backbone, mine.task):
            what += f" with other settings ({how})"
        raise StoreError(
            f"{folder.root} holds the pretraining of {what}: choose another --output, or delete it"
        )
    for path in folder.files():
        said = origin(path)
        if said is None or said.training != mine.digest:
            raise StoreError(
                f"{path} is not of this pretraining: move it elsewhere, or choose another --output"
            )
    return found
