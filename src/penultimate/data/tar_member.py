"""What of a tar archive may be written: nothing outside of the folder, no devices, no owners.

``tarfile.data_filter`` is the rule. Python has it from 3.11.4 on, and Debian 12 is at 3.11.2: where
it is missing, the same members are refused here.
"""

from __future__ import annotations

import copy
import os
import tarfile
from pathlib import Path

FILTER = getattr(tarfile, "data_filter", None)


class UnsafeMemberError(Exception):
    """A member would be written outside of the folder, or is neither file, folder nor link."""


def safe_member(member: tarfile.TarInfo, folder: Path) -> tarfile.TarInfo:
    """The member as it may be extracted under ``folder``.

    Raises
    ------
    UnsafeMemberError : it may not.
    """
    if FILTER is None:
        return _filtered(member, folder.resolve())
    try:
        safe: tarfile.TarInfo = FILTER(member, str(folder))
    except tarfile.FilterError as error:
        raise UnsafeMemberError(str(error)) from error
    return safe


def _filtered(member: tarfile.TarInfo, root: Path) -> tarfile.TarInfo:
    """A copy that stays in the folder, that everybody may read and that is the user's own."""
    name = member.name.lstrip("/" + os.sep)
    if not _inside(root / name, root):
        raise UnsafeMemberError(f"{member.name!r} is outside of the folder")
    if not (member.isreg() or member.isdir() or member.islnk() or member.issym()):
        raise UnsafeMemberError(f"{member.name!r} is no plain file")
    if member.islnk() or member.issym():
        # A symbolic link's target is seen from where it stands, a hard link's from the top.
        start = (root / name).parent if member.issym() else root
        if Path(member.linkname).is_absolute() or not _inside(start / member.linkname, root):
            raise UnsafeMemberError(f"{member.name!r} is a link out of the folder")
    safe = copy.copy(member)
    safe.name = name
    safe.mode = 0o644 if member.isreg() else 0o755
    if hasattr(os, "getuid"):  # root would give files away
        safe.uid, safe.gid = os.getuid(), os.getgid()
    safe.uname = safe.gname = ""
    return safe


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)
