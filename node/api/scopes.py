"""What a token may do. Pure: a granted list of scopes against the one a route asks for."""

from __future__ import annotations

FOLLOW = frozenset(f"{verb}:{part}" for verb in ("read", "write") for part in ("follows", "blocks", "mutes"))
"""What the old scope `follow` stands for."""


def covers(granted: str, wanted: str) -> bool:
    """Say whether `granted` holds one of the scopes in `wanted` (separated by spaces), itself or by a wider one.

    `read` holds `read:statuses`; `read:statuses` does not hold `read`. Nothing wanted is always covered.
    """
    has = set(granted.split())
    if "follow" in has:
        has |= FOLLOW
    names = wanted.split()
    return not names or any(name in has or name.partition(":")[0] in has for name in names)
