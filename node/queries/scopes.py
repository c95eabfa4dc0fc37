"""Who says something and where: the names that scoped rules and brakes go by. Asked only when the rules depend on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from node.models import Actor, Post, Space
from node.policy import Rules


@dataclass(frozen=True, slots=True)
class Speaker:
    """The name of an actor of ours and of the space a post is in; '' for none."""

    actor: str = ""
    space: str = ""


NOBODY = Speaker()


def speakers(session: Session, wanted: Iterable[tuple[int, int | None]], rules: Rules) -> dict[tuple[int, int | None], Speaker]:
    """Return the names for pairs of (actor id, post id or None); nothing when these rules do not ask."""
    if not rules.asks_who:
        return {}
    pairs = set(wanted)
    names = dict(session.execute(select(Actor.id, Actor.username).where(Actor.id.in_({one for one, _ in pairs}))).all())
    posts = {post_id for _, post_id in pairs if post_id is not None}
    placed = select(Post.id, Space.name).join(Space, Space.id == Post.space_id).where(Post.id.in_(posts))
    spaces = dict(session.execute(placed).all()) if posts else {}
    return {pair: Speaker(names.get(pair[0], ""), spaces.get(pair[1] or 0, "")) for pair in pairs}


def speaker(session: Session, actor_id: int, post_id: int | None, rules: Rules) -> Speaker:
    """Return the names for one actor and post."""
    return speakers(session, [(actor_id, post_id)], rules).get((actor_id, post_id), NOBODY)
