"""Who may see a post, and who is sent it: the one answer for delivery, GET, collections, feeds, search and preview.

Both directions are read off one table, `node.policy.REACH`; the gate (`node.policy.decide`) speaks for every server.
Posts of others are never shown to servers or strangers: their own server answers for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, aliased

from node.models import Actor, Block, Follow, Host, Member, Mention, Post, SpaceMember
from node.policy import REACH, Audience, Decision, Direction, Facts, Findings, Reach, Rules, decide
from node.policy.facts import READ
from node.queries.scopes import NOBODY, Speaker, speaker


class Kind(StrEnum):
    ANONYMOUS = "anonymous"
    MEMBER = "member"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks. A server's viewer has the host of the key that signed, and the signing actor's id when we know it."""

    kind: Kind
    actor_id: int = 0
    host: str = ""


ANONYMOUS = Viewer(Kind.ANONYMOUS)


def viewer_member(actor_id: int) -> Viewer:
    """Return the viewer for a member, by the id of the member's actor."""
    return Viewer(Kind.MEMBER, actor_id)


def viewer_server(actor_id: int | None, host: str) -> Viewer:
    """Return the viewer for a verified signer."""
    return Viewer(Kind.SERVER, actor_id or 0, host)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A remote actor that something is sent to."""

    actor_id: int
    host: str
    inbox: str
    shared_inbox: str | None


@dataclass(frozen=True, slots=True)
class ServerReach:
    """What one server gets: `people` of its actors are addressed; `decision` says whether the gate lets it go."""

    host: str
    people: int
    software: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Preview:
    """Who will see a post: `inside` members, and each server it would be offered to.

    What a brake holds counts as reached: it goes there as soon as the brake is released. `held` are those servers.
    """

    audience: Audience
    inside: int
    servers: tuple[ServerReach, ...]

    @property
    def reached(self) -> tuple[ServerReach, ...]:
        return tuple(server for server in self.servers if server.decision.is_yes or server.decision.is_braked)

    @property
    def held(self) -> tuple[ServerReach, ...]:
        return tuple(server for server in self.servers if server.decision.is_braked)

    @property
    def outside(self) -> int:
        return sum(server.people for server in self.reached)


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the SQL condition on `Post` (its author not joined) under which `viewer` may see it.

    For servers the gate must be asked as well: `may_see` does.
    """
    author = aliased(Actor)
    is_author_here = exists().where(
        author.id == Post.author_id, author.suspended_at.is_(None), author.deleted_at.is_(None), author.is_shut_out.is_(False)
    )
    alive = and_(Post.deleted_at.is_(None), is_author_here)
    if viewer.kind is not Kind.MEMBER:
        alive = and_(alive, Post.kept_back == "")
    by_audience = or_(*(and_(Post.audience == audience, _reaches(reach, viewer)) for audience, reach in REACH.items()))
    if viewer.kind is Kind.ANONYMOUS:
        return and_(alive, Post.is_local.is_not(False), by_audience)  # is_(True) would lure SQLite to an index on the flag
    unblocked = ~exists().where(Block.actor_id == Post.author_id, Block.target_id == viewer.actor_id)
    allowed = and_(alive, unblocked, or_(Post.author_id == viewer.actor_id, by_audience))
    return allowed if viewer.kind is Kind.MEMBER else and_(allowed, Post.is_local.is_not(False))


def _reaches(reach: Reach, viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition under which `viewer` belongs to what `reach` describes."""
    if reach.anyone:
        return Post.id.is_not(None)
    ways: list[ColumnElement[bool]] = []
    if viewer.kind is Kind.MEMBER and reach.members:
        return Post.id.is_not(None)
    if viewer.kind is not Kind.ANONYMOUS and reach.named:
        ways.append(exists().where(Mention.post_id == Post.id, Mention.actor_id == viewer.actor_id))
    if viewer.kind is not Kind.ANONYMOUS and reach.followers:
        follows = exists().where(
            Follow.follower_id == viewer.actor_id, Follow.target_id == Post.author_id, Follow.state == "accepted"
        )
        ways.append(follows)
    if viewer.kind is Kind.MEMBER and reach.space:
        ways.append(exists().where(SpaceMember.space_id == Post.space_id, SpaceMember.actor_id == viewer.actor_id))
    return or_(*ways) if ways else false()


def may_see(session: Session, viewer: Viewer, post: Post, rules: Rules, now: datetime) -> bool:
    """Say whether `viewer` may see `post`: the audience says who, the gate says which servers."""
    if viewer.kind is not Kind.MEMBER:
        who = speaker(session, post.author_id, post.id, rules)
        if not read_decision(viewer, Audience(post.audience), rules, now, who).is_yes:
            return False
    return session.scalar(select(Post.id).where(Post.id == post.id, visible(viewer))) is not None


def read_decision(viewer: Viewer, audience: Audience, rules: Rules, now: datetime, who: Speaker = NOBODY) -> Decision:
    """Return the gate's word on a read by a server or a stranger; `who` wrote what is read."""
    return decide(
        Facts(Direction.OUT, viewer.host, READ, now, audience=audience, actor=who.actor, space=who.space, found=who.found), rules
    )


def recipient_of(actor: Actor) -> Recipient:
    return Recipient(actor.id, actor.host, actor.inbox, actor.shared_inbox)


def followers_of(session: Session, actor_id: int) -> list[Recipient]:
    """Return the remote actors whose follow of `actor_id` is accepted."""
    rows = session.execute(
        _recipient_columns()
        .join(Follow, Follow.follower_id == Actor.id)
        .where(Follow.target_id == actor_id, Follow.state == "accepted", Actor.host != "")
    )
    return [Recipient(*row) for row in rows]


def recipients(session: Session, author_id: int, audience: Audience, named_ids: Collection[int]) -> list[Recipient]:
    """Return the remote actors a post of `author_id` reaches, before the gate is asked. Each once.

    `named_ids` are the actors it mentions. The same table as `visible`, read the other way round.
    """
    reach = REACH[audience]
    blocked = exists().where(Block.actor_id == author_id, Block.target_id == Actor.id)
    alive = (Actor.host != "", Actor.suspended_at.is_(None), Actor.deleted_at.is_(None), ~blocked)
    found: dict[int, Recipient] = {}
    if reach.followers:
        follows = and_(Follow.target_id == author_id, Follow.state == "accepted")
        rows = session.execute(_recipient_columns().join(Follow, Follow.follower_id == Actor.id).where(follows, *alive))
        found.update((row[0], Recipient(*row)) for row in rows)
    if reach.named and named_ids:
        rows = session.execute(_recipient_columns().where(Actor.id.in_(named_ids), *alive))
        found.update((row[0], Recipient(*row)) for row in rows)
    return list(found.values())


def preview(
    session: Session,
    author_id: int,
    audience: Audience,
    named_ids: Collection[int],
    space_id: int | None,
    rules: Rules,
    now: datetime,
    found: Findings | None = None,
) -> Preview:
    """Return who would see a post, by the very functions that deliver it. `found`: what content rules find in it."""
    who = replace(speaker(session, author_id, None, rules), found=found)
    by_host: dict[str, int] = {}
    for recipient in recipients(session, author_id, audience, named_ids):
        by_host[recipient.host] = by_host.get(recipient.host, 0) + 1
    software = software_of(session, by_host)
    servers = tuple(
        ServerReach(host, people, software.get(host, ""), send_decision(host, "Create", audience, rules, now, speaker=who))
        for host, people in sorted(by_host.items(), key=lambda item: (-item[1], item[0]))
    )
    return Preview(audience, inside(session, author_id, audience, named_ids, space_id), servers)


def send_decision(
    host: str,
    kind: str,
    audience: Audience | None,
    rules: Rules,
    now: datetime,
    *,
    speaker: Speaker | None = None,
    activity_id: int = 0,
) -> Decision:
    """Return the gate's word on sending an activity of type `kind` to `host`, and of whom (`node.queries.scopes`)."""
    who = speaker or NOBODY
    facts = Facts(
        Direction.OUT,
        host,
        kind,
        now,
        audience=audience,
        actor=who.actor,
        space=who.space,
        activity_id=activity_id,
        found=who.found,
    )
    return decide(facts, rules)


def inside(session: Session, author_id: int, audience: Audience, named_ids: Collection[int], space_id: int | None) -> int:
    """Return how many members, the author not counted, may see a post for this audience."""
    reach = REACH[audience]
    member = select(func.count(Member.id)).where(Member.suspended_at.is_(None), Member.actor_id != author_id)
    member = member.where(~exists().where(Block.actor_id == author_id, Block.target_id == Member.actor_id))
    if reach.members or reach.anyone:
        return session.scalar(member) or 0
    ways: list[ColumnElement[bool]] = []
    if reach.named and named_ids:
        ways.append(Member.actor_id.in_(named_ids))
    if reach.followers:
        ways.append(
            exists().where(Follow.follower_id == Member.actor_id, Follow.target_id == author_id, Follow.state == "accepted")
        )
    if reach.space and space_id is not None:
        ways.append(exists().where(SpaceMember.actor_id == Member.actor_id, SpaceMember.space_id == space_id))
    return (session.scalar(member.where(or_(*ways))) or 0) if ways else 0


def software_of(session: Session, hosts: Iterable[str]) -> dict[str, str]:
    """Return what each host runs, where we know it."""
    wanted = list(hosts)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), 500):
        rows = session.execute(select(Host.host, Host.software).where(Host.host.in_(wanted[start : start + 500])))
        found.update(rows.all())
    return found


def _recipient_columns() -> Select[int, str, str, str | None]:
    return select(Actor.id, Actor.host, Actor.inbox, Actor.shared_inbox)
