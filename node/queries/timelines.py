"""Posts by time: home, inside, public, by tag, of one actor, of a space, bookmarks. Paged by key, newest first.

Each function finds a page of keys through one index, asking `audience` for every row, and then loads those posts with
all their parts: the number of statements does not depend on the page, and their cost not on the number of posts.

`older_than` and `newer_than` are `entry_id`s of lines already shown. With `newer_than` alone the page is the one
directly after it, so that paging forward skips nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from node.models import Actor, Block, Bookmark, Boost, Hashtag, Mention, Mute, Post, TimelineEntry
from node.policy import Audience, PeerState
from node.queries import peers, posts
from node.queries.audience import Kind, Viewer, viewer_member, visible

LIMIT = 20
MAX_LIMIT = 80
MAX_ROUNDS = 5
"""How often a page is topped up when rows were left out because of their server."""

SHARED = (Audience.PUBLIC, Audience.PARTNERS, Audience.MEMBERS)
"""What the inside timeline shows: said to everybody here, and not quietly."""
NOT_SHARED = frozenset({PeerState.LIMITED, PeerState.BLOCKED})
NOT_SHOWN = frozenset({PeerState.BLOCKED})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline. `entry_id` pages; it is the id of the post, or of the boost when there is one."""

    entry_id: int
    post: Post
    boosted_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    older_than: int | None
    newer_than: int | None
    limit: int

    @property
    def is_forward(self) -> bool:
        return self.newer_than is not None and self.older_than is None

    def cut(self, statement: Select[Any], key: Any) -> Select[Any]:
        """Return `statement` between the two keys, in the page's direction."""
        if self.older_than is not None:
            statement = statement.where(key < self.older_than)
        if self.newer_than is not None:
            statement = statement.where(key > self.newer_than)
        return statement.order_by(key.asc() if self.is_forward else key.desc()).limit(self.limit)

    def after(self, entry_id: int) -> _Page:
        if self.is_forward:
            return _Page(None, entry_id, self.limit)
        return _Page(entry_id, self.newer_than, self.limit)


Statements = Callable[[_Page], Sequence[Select[Any]]]
"""Gives statements of (entry_id, post_id, booster_id), each already cut to the page."""


def home(
    session: Session, actor_id: int, *, older_than: int | None = None, newer_than: int | None = None, limit: int = LIMIT
) -> list[Line]:
    """Return what the member follows, and their own posts. Visibility, mutes and blocks are asked again now."""
    viewer = viewer_member(actor_id)
    lines = (
        select(TimelineEntry.entry_id, TimelineEntry.post_id, func.coalesce(Boost.actor_id, 0).label("booster_id"))
        .join(Post, Post.id == TimelineEntry.post_id)
        .outerjoin(Boost, Boost.id == TimelineEntry.boost_id)
        .where(TimelineEntry.actor_id == actor_id, visible(viewer), _wanted(viewer, Post.author_id))
        .where(or_(TimelineEntry.boost_id.is_(None), _wanted(viewer, Boost.actor_id)))
    )
    page = _page(older_than, newer_than, limit)
    return _lines(session, viewer, page, lambda part: (part.cut(lines, TimelineEntry.entry_id),), NOT_SHOWN)


def local(
    session: Session, viewer: Viewer, *, older_than: int | None = None, newer_than: int | None = None, limit: int = LIMIT
) -> list[Line]:
    """Return what is said here, answers left out: for members all they share, for others what is public."""
    audiences = SHARED if viewer.kind is Kind.MEMBER else (Audience.PUBLIC,)

    def statements(page: _Page) -> Sequence[Select[Any]]:
        starts = _posts(viewer).where(Post.is_local.is_(True), Post.in_reply_to_uri.is_(None))
        return [page.cut(starts.where(Post.audience == audience), Post.id) for audience in audiences]

    return _lines(session, viewer, _page(older_than, newer_than, limit), statements, NOT_SHARED)


def public(
    session: Session, viewer: Viewer, *, older_than: int | None = None, newer_than: int | None = None, limit: int = LIMIT
) -> list[Line]:
    """Return all public posts known here, ours and others', answers left out."""

    def statements(page: _Page) -> Sequence[Select[Any]]:
        starts = _posts(viewer).where(Post.audience == Audience.PUBLIC, Post.in_reply_to_uri.is_(None))
        return [page.cut(starts.where(Post.is_local.is_(is_local)), Post.id) for is_local in (True, False)]

    return _lines(session, viewer, _page(older_than, newer_than, limit), statements, NOT_SHARED)


def tag(
    session: Session,
    viewer: Viewer,
    name: str,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int = LIMIT,
) -> list[Line]:
    """Return posts with a hashtag (with or without '#', any case): those said openly, or to everybody here."""
    tagged = _posts(viewer).join(Hashtag, Hashtag.post_id == Post.id)
    tagged = tagged.where(Hashtag.name == name.removeprefix("#").casefold(), Post.audience.in_(SHARED))
    page = _page(older_than, newer_than, limit)
    return _lines(session, viewer, page, lambda part: (part.cut(tagged, Hashtag.post_id),), NOT_SHARED)


def profile(
    session: Session,
    viewer: Viewer,
    actor_id: int,
    *,
    with_replies: bool = False,
    with_boosts: bool = True,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int = LIMIT,
) -> list[Line]:
    """Return an actor's posts and boosts. Without replies, answers to oneself still count as posts."""
    own = _keyed(Post.id).where(Post.author_id == actor_id, visible(viewer))
    if not with_replies:
        parent = aliased(Post)
        continues = exists().where(parent.id == Post.in_reply_to_id, parent.author_id == actor_id)
        own = own.where(or_(Post.in_reply_to_uri.is_(None), continues))
    passed_on = select(Boost.id.label("entry_id"), Boost.post_id.label("post_id"), Boost.actor_id.label("booster_id"))
    passed_on = passed_on.join(Post, Post.id == Boost.post_id)
    passed_on = passed_on.where(Boost.actor_id == actor_id, visible(viewer), _wanted(viewer, Post.author_id))

    def statements(page: _Page) -> Sequence[Select[Any]]:
        mine = [page.cut(own, Post.id)]
        return [*mine, page.cut(passed_on, Boost.id)] if with_boosts else mine

    return _lines(session, viewer, _page(older_than, newer_than, limit), statements, NOT_SHOWN)


def space(
    session: Session,
    viewer: Viewer,
    space_id: int,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int = LIMIT,
) -> list[Line]:
    """Return what is said in a space, answers left out. Whoever is not in it sees nothing."""
    said = _posts(viewer).where(Post.space_id == space_id, Post.in_reply_to_uri.is_(None))
    page = _page(older_than, newer_than, limit)
    return _lines(session, viewer, page, lambda part: (part.cut(said, Post.id),), NOT_SHARED)


def direct(
    session: Session, actor_id: int, *, older_than: int | None = None, newer_than: int | None = None, limit: int = LIMIT
) -> list[Line]:
    """Return direct messages to and from the member."""
    viewer = viewer_member(actor_id)
    named = aliased(Mention)  # `visible` asks the same table in a subquery of its own
    to_me = _posts(viewer).join(named, named.post_id == Post.id)
    to_me = to_me.where(named.actor_id == actor_id, Post.audience == Audience.DIRECT)
    by_me = _posts(viewer).where(Post.author_id == actor_id, Post.audience == Audience.DIRECT)
    page = _page(older_than, newer_than, limit)
    return _lines(session, viewer, page, lambda part: (part.cut(to_me, Post.id), part.cut(by_me, Post.id)), NOT_SHOWN)


def bookmarks(
    session: Session,
    viewer: Viewer,
    member_id: int,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    limit: int = LIMIT,
) -> list[Line]:
    """Return what the member kept, the latest bookmark first. `entry_id` is the bookmark's."""
    kept = _keyed(Bookmark.id).join(Bookmark, Bookmark.post_id == Post.id)
    kept = kept.where(Bookmark.member_id == member_id, visible(viewer))
    page = _page(older_than, newer_than, limit)
    return _lines(session, viewer, page, lambda part: (part.cut(kept, Bookmark.id),), NOT_SHOWN)


def _page(older_than: int | None, newer_than: int | None, limit: int) -> _Page:
    return _Page(older_than, newer_than, max(1, min(limit, MAX_LIMIT)))


def _posts(viewer: Viewer) -> Select[Any]:
    """Select the keys of posts `viewer` may see and has not turned away from."""
    return _keyed(Post.id).where(visible(viewer), _wanted(viewer, Post.author_id))


def _keyed(key: InstrumentedAttribute[int]) -> Select[Any]:
    return select(key.label("entry_id"), Post.id.label("post_id"), literal(0).label("booster_id")).select_from(Post)


def _wanted(viewer: Viewer, actor_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Return the condition that the viewer has neither muted nor blocked this actor, nor been blocked by it."""
    if viewer.kind is not Kind.MEMBER:
        return literal(True)
    me, mute, block, blocked = viewer.actor_id, aliased(Mute), aliased(Block), aliased(Block)
    return and_(
        ~exists().where(mute.actor_id == me, mute.target_id == actor_id),
        ~exists().where(block.actor_id == me, block.target_id == actor_id),
        ~exists().where(blocked.actor_id == actor_id, blocked.target_id == me),
    )


def _lines(
    session: Session, viewer: Viewer, page: _Page, statements: Statements, left_out: frozenset[PeerState]
) -> list[Line]:
    """Return one page of lines, newest first. Posts of servers in a `left_out` state are skipped and made up for."""
    lines: list[Line] = []
    part = page
    for _ in range(MAX_ROUNDS):
        keys = _keys(session, part, statements(part))
        lines.extend(_load(session, viewer, keys, left_out))
        if len(keys) < page.limit or len(lines) >= page.limit:
            break
        part = part.after(keys[-1][0])
    lines = lines[: page.limit]
    return lines[::-1] if page.is_forward else lines


def _keys(session: Session, page: _Page, statements: Sequence[Select[Any]]) -> list[tuple[int, int, int]]:
    """Return (entry_id, post_id, booster_id or 0) in the page's direction; several sources are merged."""
    # Each source is a subquery of its own, so that its ORDER BY and LIMIT use its own index on both databases.
    whole = [select(statement.subquery()) for statement in statements]
    rows = session.execute(union_all(*whole) if len(whole) > 1 else statements[0])
    found = {entry_id: (entry_id, post_id, booster_id) for entry_id, post_id, booster_id in rows}
    return [found[key] for key in sorted(found, reverse=not page.is_forward)][: page.limit]


def _load(
    session: Session, viewer: Viewer, keys: Sequence[tuple[int, int, int]], left_out: frozenset[PeerState]
) -> list[Line]:
    found = posts.many(session, [post_id for _, post_id, _ in keys], viewer)
    booster_ids = {booster_id for _, _, booster_id in keys if booster_id}
    boosters: dict[int, Actor] = {}
    if booster_ids:
        alive = select(Actor).where(Actor.id.in_(booster_ids), Actor.suspended_at.is_(None), Actor.deleted_at.is_(None))
        boosters = {actor.id: actor for actor in session.scalars(alive)}
    hosts = {post.author.host for post in found.values()} | {actor.host for actor in boosters.values()}
    hidden = peers.hosts_in(session, hosts, left_out)
    lines = []
    for entry_id, post_id, booster_id in keys:
        post, booster = found.get(post_id), boosters.get(booster_id)
        if post is None or post.author.host in hidden or (booster_id and (booster is None or booster.host in hidden)):
            continue
        lines.append(Line(entry_id, post, booster))
    return lines
