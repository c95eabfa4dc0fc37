"""What clients may try and we cannot do yet: a clear no instead of a guess."""

from __future__ import annotations

from typing import NoReturn

from node.api.found import nothing
from node.api.guards import Caller
from node.errors import N_, Invalid


def media(caller: Caller) -> NoReturn:
    """POST /api/v2/media"""
    raise Invalid("media_later", N_("Files cannot be attached on this server yet."), "file")


def nowhere(caller: Caller, rest: str = "") -> NoReturn:
    """Answer for every path of this door that is no route."""
    raise nothing()
