"""Temporary folders that go with the process that made them, even when it was killed.

A folder belongs to whoever holds the lock (flock) on the file OWNER in it; the kernel lets go of it when that process
dies, however it dies. The next `make` of the same kind removes the folders whose lock is free. A folder without that
file, of another user, or reached through a link is not known to be ours, and stays.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = ".owner"
PREFIX = "courtyard-"

_held: dict[Path, int] = {}


def make(kind: str, parent: Path | None = None) -> Path:
    """Return a new folder `courtyard-KIND-...` in `parent` (the system's folder for such things when None), ours until this
    process ends, `remove` or `keep`. Removes the folders of this kind whose process is dead."""
    parent = parent or Path(tempfile.gettempdir())
    sweep(kind, parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=parent))
    unnamed = folder / f"{OWNER}.new"
    descriptor = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.rename(folder / OWNER)  # only now, locked, does it say whose the folder is
    _held[folder] = descriptor
    return folder


def remove(folder: Path) -> None:
    """Remove a folder that `make` returned."""
    shutil.rmtree(folder, ignore_errors=True)
    _let_go(folder)


def keep(folder: Path) -> None:
    """Leave a folder that `make` returned for people to look at: nobody removes it any more."""
    (folder / OWNER).unlink(missing_ok=True)
    _let_go(folder)


@contextmanager
def temporary(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder as of `make`, removed at the end."""
    folder = make(kind, parent)
    try:
        yield folder
    finally:
        remove(folder)


def sweep(kind: str, parent: Path) -> list[Path]:
    """Remove the folders of dead processes and return them."""
    return [folder for folder in sorted(parent.glob(f"{PREFIX}{kind}-*")) if _is_left_over(folder) and _gone(folder)]


def _is_left_over(folder: Path) -> bool:
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        descriptor = os.open(folder / OWNER, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _gone(folder: Path) -> bool:
    for entry in folder.iterdir():
        if entry.name == OWNER:  # the last to go: who is stopped half-way leaves a folder that is still known to be ours
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _let_go(folder: Path) -> None:
    descriptor = _held.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)
