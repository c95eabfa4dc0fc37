"""Paging by key: `max_id`, `since_id`, `min_id` and `limit` in, a Link header (RFC 8288) out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from node.api.answers import answer
from node.api.given import LARGEST, Given
from node.runtime import current_node

ROUNDS = 4
"""How often a page is topped up when the client wants only some of its lines."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """`newer_than` alone asks for the page directly after it (min_id); with `older_than`, for the newest ones (since_id)."""

    older_than: int | None
    newer_than: int | None
    limit: int

    @property
    def is_forward(self) -> bool:
        return self.newer_than is not None and self.older_than is None

    def holds(self, key: int) -> bool:
        """Say whether a key lies between the two ends."""
        return (self.older_than is None or key < self.older_than) and (self.newer_than is None or key > self.newer_than)


def page(given: Given, default: int = 20, most: int = 40) -> Page:
    """Return the page a client asks for; `limit` is capped, not refused."""
    limit = max(1, min(given.number("limit", default) or default, most))
    older_than, since, after = given.number("max_id"), given.number("since_id"), given.number("min_id")
    if after is not None:
        return Page(older_than, after, limit)
    if since is not None:
        return Page(older_than if older_than is not None else LARGEST, since, limit)
    return Page(older_than, None, limit)


def sifted(fetch: Callable[[Page], Sequence[T]], key: Callable[[T], int], keep: Callable[[T], bool], wanted: Page) -> list[T]:
    """Return a page of what `keep` keeps, newest first, asking `fetch` again while there may be more."""
    found: list[T] = []
    part = wanted
    for _ in range(ROUNDS):
        lines = list(fetch(part))
        kept = [line for line in lines if keep(line)]
        found = kept + found if wanted.is_forward else found + kept
        if len(lines) < wanted.limit or len(found) >= wanted.limit:
            break
        part = replace(part, newer_than=key(lines[0])) if wanted.is_forward else replace(part, older_than=key(lines[-1]))
    return found[-wanted.limit :] if wanted.is_forward else found[: wanted.limit]


def paged(entities: list[Any], keys: Sequence[int]) -> Response:
    """Return a page with its Link header: `next` is older, `prev` newer. `keys` are of the lines read, newest first."""
    response = answer(entities)
    if keys:
        kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("max_id", "since_id", "min_id")]
        here = f"{current_node().settings.origin}{request.path}"
        older = urlencode([*kept, ("max_id", str(keys[-1]))])
        newer = urlencode([*kept, ("min_id", str(keys[0]))])
        response.headers["Link"] = f'<{here}?{older}>; rel="next", <{here}?{newer}>; rel="prev"'
    return response
