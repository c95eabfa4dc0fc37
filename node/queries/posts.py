"""Single posts and threads, as somebody may see them. Every function takes a viewer; None means: not there for you.

Lists of posts by time are in `timelines`; who may see what is in `audience`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import CTE, Select, case, exists, func, literal, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from node.models import (
    Activity,
    Bookmark,
    Boost,
    Delivery,
    Lane,
    Like,
    Member,
    Mention,
    Pin,
    PollOption,
    PollVote,
    Post,
    PostVersion,
)
from node.queries.audience import Viewer, viewer_member, visible

MAX_ANCESTORS = 100
CHUNK = 500
"""Ids named in one statement."""
MOST_COUNTED = 1_000
"""Answers counted for one post: what somebody floods with answers does not make every page slow."""
MOST_LOOKED_AT = 10_000
"""Answers looked at for one thread, those that the reader may not see counted too."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A post in its conversation. `replies` are in reading order, depth first; `depths` says how deep each one is (1...)."""

    ancestors: tuple[Post, ...]
    post: Post
    replies: tuple[Post, ...]
    depths: Mapping[int, int] = field(default_factory=dict)
    is_cut: bool = False
    """More replies exist than were asked for."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What one actor did with one post. `voted` holds the positions of the poll options chosen.

    `answers` is how many answers to it they may see, MOST_COUNTED at most; `is_parent_seen`, whether they may see what it
    answers.
    """

    liked: bool = False
    boosted: bool = False
    bookmarked: bool = False
    pinned: bool = False
    voted: tuple[int, ...] = ()
    answers: int = 0
    is_parent_seen: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One activity about a post on its way to one inbox. `next_at` is None when nothing more is tried."""

    id: int
    host: str
    inbox: str
    kind: str
    state: str
    answer: int | None
    reason: str
    attempts: int
    next_at: datetime | None
    finished_at: datetime | None
    activity_id: int = 0
    audience: str = ""


def parts() -> tuple[ORMOption, ...]:
    """Return the options that load all that a page or document shows of a post."""
    return (
        joinedload(Post.author, innerjoin=True),
        selectinload(Post.attachments),
        selectinload(Post.mentions).joinedload(Mention.actor, innerjoin=True),
        selectinload(Post.hashtags),
        selectinload(Post.options),
    )


def get(session: Session, post_id: int, viewer: Viewer) -> Post | None:
    """Return the post with all its parts, or None when it is not there for `viewer`."""
    return session.scalar(select(Post).where(Post.id == post_id, visible(viewer)).options(*parts()))


def by_uri(session: Session, uri: str, viewer: Viewer) -> Post | None:
    """Return the post with this ActivityPub id, or None when it is not there for `viewer`."""
    return session.scalar(select(Post).where(Post.uri == uri, visible(viewer)).options(*parts()))


def many(session: Session, post_ids: Collection[int], viewer: Viewer) -> dict[int, Post]:
    """Return those of these posts that `viewer` may see, by id, with all their parts."""
    found: dict[int, Post] = {}
    wanted = list(dict.fromkeys(post_ids))
    for start in range(0, len(wanted), CHUNK):
        chosen = select(Post).where(Post.id.in_(wanted[start : start + CHUNK]), visible(viewer))
        found.update((post.id, post) for post in session.scalars(chosen.options(*parts())))
    return found


def count(session: Session, viewer: Viewer, author_id: int) -> int:
    """Return how many of the author's posts `viewer` may see (abuse case L01: totals tell no more than the list)."""
    return session.scalar(select(func.count(Post.id)).where(Post.author_id == author_id, visible(viewer))) or 0


def pinned(session: Session, viewer: Viewer, actor_id: int) -> list[Post]:
    """Return the posts the actor shows first, the latest pin first."""
    pins = select(Post).join(Pin, Pin.post_id == Post.id).where(Pin.actor_id == actor_id, visible(viewer))
    return list(session.scalars(pins.order_by(Pin.id.desc()).options(*parts())))


def thread(session: Session, post: Post, viewer: Viewer, limit: int = 500) -> Thread:
    """Return what `post` answers and what answers it, as far as `viewer` may see it.

    `limit` counts replies the viewer may see, nearest levels first: hidden ones take nobody's place and are not hinted at
    (abuse case L01). A circle of replies is cut where it closes (abuse case P13).
    """
    below_ids = list(session.scalars(_below(post.id, viewer, limit + 1)))
    above_ids = [row for row in session.scalars(_above(post.id)) if row != post.id]
    found = many(session, [*above_ids, *below_ids[:limit]], viewer)
    ancestors = _climb(post, {key: found[key] for key in above_ids if key in found})
    taken = {post.id, *(ancestor.id for ancestor in ancestors)}
    replies = [found[key] for key in below_ids[:limit] if key in found and key not in taken]
    ordered, depths = _reading_order(post.id, replies)
    return Thread(tuple(ancestors), post, tuple(ordered), depths, is_cut=len(below_ids) > limit)


def _below(post_id: int, viewer: Viewer, limit: int) -> Select[tuple[int]]:
    """Select the ids of the answers `viewer` may see, level by level. UNION drops what was seen, so a circle ends.

    The tree grows through answers that are hidden. CASE keeps the planner from joining, which would lose the order.
    """
    tree: CTE = select(literal(post_id, type_=Post.id.type).label("id")).cte("below", recursive=True)
    tree = tree.union(select(Post.id).join(tree, Post.in_reply_to_id == tree.c.id))
    near = select(tree.c.id).limit(MOST_LOOKED_AT).subquery()
    is_seen = exists().where(Post.id == near.c.id, visible(viewer))
    return select(near.c.id).where(near.c.id != post_id, case((is_seen, 1), else_=0) == 1).limit(limit)


def _above(post_id: int) -> Select[tuple[int]]:
    chain: CTE = select(literal(post_id, type_=Post.id.type).label("id")).cte("above", recursive=True)
    chain = chain.union(select(Post.in_reply_to_id).join(chain, Post.id == chain.c.id).where(Post.in_reply_to_id.is_not(None)))
    return select(chain.c.id).limit(MAX_ANCESTORS + 1)


def _climb(post: Post, above: Mapping[int, Post]) -> list[Post]:
    """Return the ancestors, the first of the thread first. Those one may not see are left out, not what is above them."""
    ancestors = [above[key] for key in above if key != post.id]
    return ancestors[::-1]


def _reading_order(root_id: int, replies: list[Post]) -> tuple[list[Post], dict[int, int]]:
    present = {reply.id for reply in replies}
    children: dict[int, list[Post]] = {}
    for reply in sorted(replies, key=lambda each: each.id):
        parent_id = reply.in_reply_to_id
        # An answer to something the reader may not see stands directly under the post.
        children.setdefault(parent_id if parent_id in present and parent_id != reply.id else root_id, []).append(reply)
    ordered: list[Post] = []
    depths: dict[int, int] = {}
    waiting = [(reply, 1) for reply in reversed(children.get(root_id, []))]
    while waiting:
        reply, depth = waiting.pop()
        if reply.id in depths:
            continue
        depths[reply.id] = depth
        ordered.append(reply)
        waiting.extend((child, depth + 1) for child in reversed(children.get(reply.id, [])))
    return ordered, depths


def marks(session: Session, actor_id: int, post_ids: Collection[int]) -> dict[int, Marks]:
    """Return what the actor did with each of these posts. Every id asked for is in the answer."""
    ids = list(post_ids)
    if not ids:
        return {}
    liked = set(session.scalars(select(Like.post_id).where(Like.actor_id == actor_id, Like.post_id.in_(ids))))
    boosted = set(session.scalars(select(Boost.post_id).where(Boost.actor_id == actor_id, Boost.post_id.in_(ids))))
    pins = set(session.scalars(select(Pin.post_id).where(Pin.actor_id == actor_id, Pin.post_id.in_(ids))))
    kept = select(Bookmark.post_id).join(Member, Member.id == Bookmark.member_id).where(Member.actor_id == actor_id)
    bookmarked = set(session.scalars(kept.where(Bookmark.post_id.in_(ids))))
    voted: dict[int, list[int]] = {}
    chosen = select(PollVote.post_id, PollOption.position).join(PollOption, PollOption.id == PollVote.option_id)
    for post_id, position in session.execute(chosen.where(PollVote.actor_id == actor_id, PollVote.post_id.in_(ids))):
        voted.setdefault(post_id, []).append(position)
    return {
        key: Marks(key in liked, key in boosted, key in bookmarked, key in pins, tuple(sorted(voted.get(key, ())))) for key in ids
    }


def answers(session: Session, viewer: Viewer, post_ids: Collection[int]) -> dict[int, int]:
    """Return post id -> how many answers to it `viewer` may see, MOST_COUNTED at most; posts without any are left out.

    One statement for a whole page, which looks into one index for each post (abuse case L01).
    """
    if not post_ids:
        return {}
    parent = aliased(Post)
    seen = select(Post.id).where(Post.in_reply_to_id == parent.id, visible(viewer)).limit(MOST_COUNTED)
    number = select(func.count()).select_from(seen.correlate(parent).subquery()).scalar_subquery()
    rows = session.execute(select(parent.id, number).where(parent.id.in_(post_ids)))
    return {post_id: total for post_id, total in rows if total}


def versions(session: Session, post_id: int) -> list[PostVersion]:
    """Return the post's earlier versions, oldest first. For a caller that got the post from `get`."""
    return list(session.scalars(select(PostVersion).where(PostVersion.post_id == post_id).order_by(PostVersion.id)))


def deliveries(session: Session, post_id: int) -> list[DeliveryLine]:
    """Return the way of every activity about this post to every inbox, newest activity first, by host."""
    rows = session.execute(
        select(Delivery, Lane.host, Lane.inbox, Lane.next_at, Activity)
        .join(Lane, Lane.id == Delivery.lane_id)
        .join(Activity, Activity.id == Delivery.activity_id)
        .where(Activity.post_id == post_id)
        .order_by(Activity.id.desc(), Lane.host, Delivery.id)
    )
    return [
        DeliveryLine(
            delivery.id, host, inbox, activity.kind, delivery.state, delivery.answer, delivery.reason, delivery.attempts,
            next_at if delivery.state == "waiting" else None, delivery.finished_at,
            activity.id, activity.audience,
        )
        for delivery, host, inbox, next_at, activity in rows
    ]  # fmt: skip


def held(session: Session, reader_id: int, limit: int = 50) -> Sequence[Post]:
    """Return posts a content rule holds and `reader_id` may see, the oldest first, with their authors."""
    waiting = exists().where(Delivery.activity_id == Activity.id, Activity.post_id == Post.id, Delivery.state == "held")
    found = select(Post).where(Post.findings.is_not(None), Post.kept_back != "withhold", waiting)
    found = found.where(visible(viewer_member(reader_id))).order_by(Post.id).limit(limit)
    return session.scalars(found.options(joinedload(Post.author, innerjoin=True))).all()
