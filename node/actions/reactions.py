"""What our people do with posts: like, boost, keep, pin, vote; and the end of each.

Only with posts the actor may see (abuse case A20): else NotThere, the same as for a post that does not exist. Every verb
may run twice with the same effect. An audience is never widened: only what anybody may see is boosted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from federation import activities, objects
from federation.vocabulary import PUBLIC
from node.actions import feeds, polls
from node.actions.sending import Build, send
from node.config import Settings
from node.database import new_id
from node.errors import N_, Expired, Invalid, NotAllowed, NotThere, Taken
from node.models import Actor, Block, Bookmark, Boost, Like, Member, Mention, Notification, Pin, PollOption, PollVote, Post
from node.policy import Audience, Rules, leaves
from node.policy.audiences import is_open
from node.queries import audience as audiences
from node.queries.audience import Recipient, recipient_of, viewer_member

MOST_PINS = 5


def like(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> Like:
    """Like a post and return the like. Its author is told."""
    author = _check_seen(session, actor, post, rules, now)
    made = _insert_once(session, Like, {"post_id": post.id, "actor_id": actor.id}, now)
    row = session.scalars(select(Like).where(Like.post_id == post.id, Like.actor_id == actor.id)).one()
    if not made:
        return row
    _count(session, post, Post.likes_count, 1)
    if author.is_local:
        feeds.notify(session, author.id, "like", from_actor_id=actor.id, post_id=post.id, now=now)
    build = _about(activities.like, actor, author, post.uri)
    row.uri = _send(session, actor, "Like", build, [author], post.uri, settings, rules, now)
    session.flush()
    return row


def unlike(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Take a like back."""
    row = session.scalar(select(Like).where(Like.post_id == post.id, Like.actor_id == actor.id))
    if row is None or not _delete(session, Like, row.id):
        return
    _count(session, post, Post.likes_count, -1)
    author = session.get_one(Actor, post.author_id)
    _untell(session, author.id, "like", actor.id, post.id)
    if row.uri and not author.is_local:
        liked = activities.like(id=row.uri, actor=actor.uri, object=post.uri)
        build = _about(activities.undo, actor, author, liked)
        _send(session, actor, "Undo", build, [author], post.uri, settings, rules, now)


def boost(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> Boost:
    """Pass a post on to one's own followers and return the boost. Raises NotAllowed for what not everybody may see."""
    author = _check_seen(session, actor, post, rules, now)
    if not is_open(Audience(post.audience)):
        raise NotAllowed("boost_wider", N_("Only what anybody may see can be passed on."))
    made = _insert_once(session, Boost, {"post_id": post.id, "actor_id": actor.id}, now)
    row = session.scalars(select(Boost).where(Boost.post_id == post.id, Boost.actor_id == actor.id)).one()
    if not made:
        return row
    _count(session, post, Post.boosts_count, 1)
    feeds.spread_boost(session, row)
    if author.is_local:
        feeds.notify(session, author.id, "boost", from_actor_id=actor.id, post_id=post.id, now=now)
    row.uri = _announce(session, actor, author, post, "Announce", post.uri, settings, rules, now)
    session.flush()
    return row


def unboost(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Take a boost back: it leaves every home it was on, here and elsewhere."""
    row = session.scalar(select(Boost).where(Boost.post_id == post.id, Boost.actor_id == actor.id))
    if row is None:
        return
    feeds.withdraw_boost(session, row.id)
    if not _delete(session, Boost, row.id):
        return
    _count(session, post, Post.boosts_count, -1)
    author = session.get_one(Actor, post.author_id)
    _untell(session, author.id, "boost", actor.id, post.id)
    if row.uri:
        passed_on = activities.announce(id=row.uri, actor=actor.uri, object=post.uri)
        _announce(session, actor, author, post, "Undo", passed_on, settings, rules, now)


def bookmark(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Keep a post for oneself; nobody is told."""
    _check_seen(session, actor, post, rules, now)
    _insert_once(session, Bookmark, {"member_id": _member_id(session, actor), "post_id": post.id}, now)


def unbookmark(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Keep a post no longer."""
    mine = Bookmark.member_id == _member_id(session, actor)
    session.execute(delete(Bookmark).where(mine, Bookmark.post_id == post.id))


def pin(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Show a post of one's own first. Raises NotAllowed (another's, too many, a direct message)."""
    _check_seen(session, actor, post, rules, now)
    if post.author_id != actor.id:
        raise NotAllowed("pin_others", N_("You can only pin your own posts."))
    if post.audience in (Audience.DIRECT, Audience.SPACE):
        raise NotAllowed("pin_narrow", N_("Direct messages and posts in spaces cannot be pinned."))
    others = select(func.count(Pin.id)).where(Pin.actor_id == actor.id, Pin.post_id != post.id)
    if (session.scalar(others) or 0) >= MOST_PINS:
        raise NotAllowed("pins_full", N_("You can pin %(most)s posts at most."), most=MOST_PINS)
    row = {"id": new_id(now), "actor_id": actor.id, "post_id": post.id}
    if _insert(session, Pin, row):
        _feature(session, actor, post, "Add", settings, rules, now)


def unpin(session: Session, actor: Actor, post: Post, *, settings: Settings, rules: Rules, now: datetime) -> None:
    """Show a post first no longer."""
    row_id = session.scalar(select(Pin.id).where(Pin.actor_id == actor.id, Pin.post_id == post.id))
    if row_id is not None and _delete(session, Pin, row_id):
        _feature(session, actor, post, "Remove", settings, rules, now)


def vote(
    session: Session, actor: Actor, post: Post, choices: Sequence[int], *, settings: Settings, rules: Rules, now: datetime
) -> None:
    """Vote in a poll for the options at these positions (0...). A vote is final.

    Raises NotThere, Invalid (`option`: none, too many, no such), NotAllowed (one's own poll), Expired, Taken.
    """
    author = _check_seen(session, actor, post, rules, now)
    # The poll's count of voters is read and written: one voter at a time (PostgreSQL; SQLite writes one at a time).
    poll = session.scalar(select(Post.poll).where(Post.id == post.id).with_for_update())
    if poll is None:
        raise Invalid("no_poll", N_("This post asks nothing."), "option")
    if author.id == actor.id:
        raise NotAllowed("vote_own", N_("You cannot vote in your own poll."))
    if _is_over(poll, now):
        raise Expired("poll_over", N_("This poll is over."))
    options = {option.position: option for option in session.scalars(select(PollOption).where(PollOption.post_id == post.id))}
    wanted = sorted(set(choices))
    if not wanted or not set(wanted) <= set(options) or (len(wanted) > 1 and not poll.get("multiple")):
        raise Invalid("option_bad", N_("Please choose one of the answers."), "option")
    voted = exists().where(PollVote.post_id == post.id, PollVote.actor_id == actor.id)
    if session.scalar(select(voted)):
        raise Taken("voted", N_("You have voted already."), "option")
    for position in wanted:
        _cast(session, actor, author, post, options[position], settings, rules, now)
    voters = poll.get("voters")
    session.execute(update(Post).where(Post.id == post.id).values(poll=poll | {"voters": (voters or 0) + 1}))
    if author.is_local:
        polls.want_told(session, post.uri, now)
    else:
        polls.want_closed(session, post.uri, poll, now)


def _cast(
    session: Session, actor: Actor, author: Actor, post: Post, option: PollOption, settings: Settings, rules: Rules, now: datetime
) -> None:
    """Write one vote; a poll elsewhere is told by a Create of a Note that only its author gets."""
    vote_id = new_id(now)
    uri = f"{actor.uri}/votes/{vote_id}"
    session.add(PollVote(id=vote_id, post_id=post.id, option_id=option.id, actor_id=actor.id, uri=uri))
    session.flush()
    session.execute(update(PollOption).where(PollOption.id == option.id).values(votes_count=PollOption.votes_count + 1))
    if author.is_local:
        return
    ballot = objects.vote_document(id=uri, attributed_to=actor.uri, question=post.uri, option=option.name, to=author.uri)
    _send(session, actor, "Create", _about(activities.create, actor, author, ballot), [author], uri, settings, rules, now)


def _check_seen(session: Session, actor: Actor, post: Post, rules: Rules, now: datetime) -> Actor:
    """Return the post's author. Raises NotThere when the actor may not see it, or either blocks the other (L16)."""
    author = session.get(Actor, post.author_id)
    block = exists().where(Block.actor_id == actor.id, Block.target_id == post.author_id)
    is_there = author is not None and audiences.may_see(session, viewer_member(actor.id), post, rules, now)
    if author is None or not is_there or session.scalar(select(block)):
        raise NotThere("post_not_there", N_("This post is not there any more."))
    return author


def _announce(
    session: Session, actor: Actor, author: Actor, post: Post, kind: str, thing: Any, settings: Settings, rules: Rules,
    now: datetime,
) -> str:  # fmt: skip
    """Send an Announce, or its Undo, to the booster's followers and the author; return the activity's id."""
    followers = actor.followers_uri or ""
    is_public = post.audience == Audience.PUBLIC
    to = (PUBLIC,) if is_public else (followers,)
    cc = (followers if is_public else PUBLIC, author.uri)
    writer = activities.announce if kind == "Announce" else activities.undo

    def build(uri: str) -> dict[str, Any]:
        return writer(id=uri, actor=actor.uri, object=thing, to=to, cc=cc, published=now)

    recipients = [*audiences.followers_of(session, actor.id), recipient_of(author)]
    activity = send(
        session, actor, kind, build, recipients, audience=Audience(post.audience), object_uri=post.uri,
        post_id=post.id if post.is_local else None, settings=settings, rules=rules, now=now,
    )  # fmt: skip
    return activity.uri


def _feature(session: Session, actor: Actor, post: Post, kind: str, settings: Settings, rules: Rules, now: datetime) -> None:
    """Tell the servers that have the post that it is, or is no longer, in the `featured` collection."""
    audience = Audience(post.audience)
    if not leaves(audience):
        return
    writer, followers = (activities.add if kind == "Add" else activities.remove), actor.followers_uri or ""
    to = (PUBLIC,) if is_open(audience) else (followers,)

    def build(uri: str) -> dict[str, Any]:
        return writer(id=uri, actor=actor.uri, object=post.uri, target=actor.featured_uri or "", to=to)

    named = session.scalars(select(Mention.actor_id).where(Mention.post_id == post.id)).all()
    send(
        session, actor, kind, build, audiences.recipients(session, actor.id, audience, named), audience=audience,
        object_uri=post.uri, post_id=post.id, settings=settings, rules=rules, now=now,
    )  # fmt: skip


def _about(writer: Callable[..., dict[str, Any]], actor: Actor, to: Actor, thing: Any) -> Build:
    return lambda uri: writer(id=uri, actor=actor.uri, object=thing, to=(to.uri,))


def _send(
    session: Session, actor: Actor, kind: str, build: Build, to: Sequence[Actor], object_uri: str, settings: Settings,
    rules: Rules, now: datetime,
) -> str | None:  # fmt: skip
    """Send something about a post to people elsewhere alone; return the activity's id, None when all are ours."""
    recipients: list[Recipient] = [recipient_of(each) for each in to if not each.is_local]
    if not recipients:
        return None
    activity = send(
        session, actor, kind, build, recipients, audience=Audience.DIRECT, object_uri=object_uri, is_personal=True,
        settings=settings, rules=rules, now=now,
    )  # fmt: skip
    return activity.uri


def _insert_once(session: Session, table: Any, values: dict[str, Any], now: datetime) -> bool:
    return _insert(session, table, {"id": new_id(now), "created_at": now} | values)


def _insert(session: Session, table: Any, row: dict[str, Any]) -> bool:
    """Insert a row unless one like it is there. Say whether it was inserted, however many do it at once."""
    feeds.insert_ignoring(session, table, [row])
    return session.scalar(select(table.id).where(table.id == row["id"])) is not None


def _delete(session: Session, table: Any, row_id: int) -> bool:
    return session.execute(delete(table).where(table.id == row_id)).rowcount == 1


def _count(session: Session, post: Post, column: InstrumentedAttribute[int], by: int) -> None:
    """Add `by` to a counter in the database, so that two changes at once both count."""
    session.execute(update(Post).where(Post.id == post.id, column + by >= 0).values({column: column + by}))


def _untell(session: Session, actor_id: int, kind: str, from_actor_id: int, post_id: int) -> None:
    told = delete(Notification).where(Notification.actor_id == actor_id, Notification.kind == kind)
    session.execute(told.where(Notification.from_actor_id == from_actor_id, Notification.post_id == post_id))


def _member_id(session: Session, actor: Actor) -> int:
    member_id = session.scalar(select(Member.id).where(Member.actor_id == actor.id))
    if member_id is None:
        raise NotAllowed("not_a_member", N_("Only members keep posts."))
    return member_id


def _is_over(poll: dict[str, Any], now: datetime) -> bool:
    closes_at = poll.get("closes_at")
    return bool(poll.get("closed")) or (closes_at is not None and datetime.fromisoformat(closes_at) <= now)
