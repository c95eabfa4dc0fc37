"""What a rule or a brake is for, and which hosts a name covers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum


class Scope(StrEnum):
    """Everything, or what one actor says, what is said in one space, what goes to one peer."""

    NODE = "node"
    ACTOR = "actor"
    SPACE = "space"
    PEER = "peer"


def covering_hosts(host: str) -> Iterator[str]:
    """Yield the names that cover a normalised host, nearest first: itself, without its port, then its parent domains."""
    if not host:
        return
    yield host
    name, colon, _ = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        name = host
    else:
        yield name
    if name[0] == "[" or name.rpartition(".")[2].isdigit():  # an IP address has no parent domain
        return
    while True:
        name = name.partition(".")[2]
        if not name:
            return
        yield name
