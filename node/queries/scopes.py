"""Who says something and where: the names that scoped rules and brakes go by. Asked only when the rules depend on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import Actor, Post, Space
from node.policy import Findings, Rules


@dataclass(frozen=True, slots=True)
class Speaker:
    """The name of an actor of ours and of the space a post is in, '' for none; what content rules found in the post."""

    actor: str = ""
    space: str = ""
    found: Findings | None = None


NOBODY = Speaker()


def speakers(session: Session, wanted: Iterable[tuple[int, int | None]], rules: Rules) -> dict[tuple[int, int | None], Speaker]:
    """Return the names for pairs of (actor id, post id or None); nothing when these rules do not ask."""
    if not rules.asks_who:
        return {}
    pairs = set(wanted)
    names = dict(session.execute(select(Actor.id, Actor.username).where(Actor.id.in_({one for one, _ in pairs}))).all())
    posts = {post_id for _, post_id in pairs if post_id is not None}
    about = select(Post.id, Space.name, Post.findings).outerjoin(Space, Space.id == Post.space_id).where(Post.id.in_(posts))
    known = {post_id: (space or "", read_findings(found)) for post_id, space, found in session.execute(about)} if posts else {}
    return {pair: Speaker(names.get(pair[0], ""), *known.get(pair[1] or 0, ("", None))) for pair in pairs}


def read_findings(stored: Mapping[str, Any] | None) -> Findings | None:
    """Return what content rules found, as `Post.findings` keeps it."""
    if not stored:
        return None
    return Findings(tuple(stored["everywhere"]), {host: tuple(ids) for host, ids in stored["by_peer"].items()})


def speaker(session: Session, actor_id: int, post_id: int | None, rules: Rules) -> Speaker:
    """Return the names for one actor and post."""
    return speakers(session, [(actor_id, post_id)], rules).get((actor_id, post_id), NOBODY)
