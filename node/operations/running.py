"""The note a running node keeps in its data folder: its process, and the settings it was started with. Light.

`run.lock` holds the process id and then `NAME=value` lines for every setting that was given and is no secret. It counts
only as long as somebody holds the lock on it: the lock goes with the process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from node.config import Settings, describe, load

FILE = "run.lock"
HIDDEN = "********"
ELSEWHERE = ("COURTYARD_DATA", "COURTYARD_SECRET_KEY")
"""Settings that say nothing here: where the folder is, and what is kept in it."""


class AlreadyRunning(Exception):
    """Another process holds the lock. The text is its process id, as far as it is known."""


def take(settings: Settings) -> IO[str]:
    """Take the lock and write the note; the lock is held until the file is closed. Raises AlreadyRunning, OSError."""
    file = (settings.data_dir / FILE).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        number = file.readline().strip() or "unknown"
        file.close()
        raise AlreadyRunning(number) from error
    file.truncate(0)
    file.write("\n".join([str(os.getpid()), *(f"{name}={value}" for name, value in given(settings).items())]) + "\n")
    file.flush()
    return file


def given(settings: Settings) -> dict[str, str]:
    """Return name -> value of what was set and may be shown, from wherever it came."""
    lines = (line for line in describe(settings) if line.source != "default" and line.name not in ELSEWHERE)
    return {line.name: line.value for line in lines if HIDDEN not in line.value}


def noted(data_dir: Path) -> dict[str, str] | None:
    """Return what `given` was for the node that runs in this folder; None when none runs."""
    try:
        with (data_dir / FILE).open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                pairs = (line.rstrip("\n").partition("=") for line in file)
                return {name: value for name, equals, value in pairs if equals}
    except (OSError, UnicodeDecodeError):
        pass
    return None


def settings_in_force(own: Settings, environ: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """Return the settings of the node that runs in our data folder, and what of them this shell has otherwise.

    The difference is name -> the node's value ('' where it has the default). Ours and nothing when no node runs there.
    Raises SettingsError when they no longer make sense.
    """
    theirs, ours = noted(own.data_dir), given(own)
    if theirs is None:
        return own, {}
    other = {name: theirs.get(name, "") for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)}
    if not other:
        return own, {}
    kept = {name: value for name, value in environ.items() if name not in other}
    return load({**kept, **{name: value for name, value in other.items() if value}}, own.data_dir, make_secret=False), other
