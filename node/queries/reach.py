"""Who would see a post, for every audience at once: the sentences over the composer.

The same table and the same gate as `audience.preview`, which answers for one audience; here followers are counted by
server in the database, so that a page with a composer costs the same with ten followers as with ten thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from node.models import Actor, Block, Follow
from node.policy import REACH, Audience, Findings, Rules, leaves
from node.queries.audience import Preview, ServerReach, inside, send_decision, software_of
from node.queries.scopes import Speaker, speaker


def by_audience(
    session: Session,
    author_id: int,
    audiences: Iterable[Audience],
    named_ids: Collection[int],
    space_id: int | None,
    rules: Rules,
    now: datetime,
    found_in_it: Findings | None = None,
) -> dict[Audience, Preview]:
    """Return for each of `audiences` what `audience.preview` returns for it."""
    followers = _followers_by_host(session, author_id)
    named, also_following = _named_by_host(session, author_id, named_ids)
    software = software_of(session, followers.keys() | named.keys())
    who = replace(speaker(session, author_id, None, rules), found=found_in_it)
    found: dict[Audience, Preview] = {}
    for audience in audiences:
        reach = REACH[audience]
        people: Counter[str] = Counter()
        if reach.followers:
            people.update(followers)
        if reach.named:
            people.update(named)
        if reach.followers and reach.named:
            people.subtract(also_following)
        within = inside(session, author_id, audience, named_ids, space_id)
        found[audience] = Preview(
            audience, within, _servers(people, software, audience, rules, now, who) if leaves(audience) else ()
        )
    return found


def _servers(
    people: Mapping[str, int], software: Mapping[str, str], audience: Audience, rules: Rules, now: datetime, who: Speaker
) -> tuple[ServerReach, ...]:
    ordered = sorted(((host, number) for host, number in people.items() if number > 0), key=lambda item: (-item[1], item[0]))
    return tuple(
        ServerReach(host, number, software.get(host, ""), send_decision(host, "Create", audience, rules, now, speaker=who))
        for host, number in ordered
    )


def _followers_by_host(session: Session, author_id: int) -> Counter[str]:
    counted = select(Actor.host, func.count(Actor.id)).join(Follow, Follow.follower_id == Actor.id)
    counted = counted.where(Follow.target_id == author_id, Follow.state == "accepted", *_alive(author_id)).group_by(Actor.host)
    return Counter(dict(session.execute(counted).all()))


def _named_by_host(session: Session, author_id: int, named_ids: Collection[int]) -> tuple[Counter[str], Counter[str]]:
    """Return the named actors elsewhere by host, and those of them that follow the author."""
    if not named_ids:
        return Counter(), Counter()
    follows = exists().where(Follow.follower_id == Actor.id, Follow.target_id == author_id, Follow.state == "accepted")
    rows = session.execute(select(Actor.host, follows).where(Actor.id.in_(named_ids), *_alive(author_id))).all()
    return Counter(host for host, _ in rows), Counter(host for host, is_following in rows if is_following)


def _alive(author_id: int):  # type: ignore[no-untyped-def]
    blocked = exists().where(Block.actor_id == author_id, Block.target_id == Actor.id)
    return Actor.host != "", Actor.suspended_at.is_(None), Actor.deleted_at.is_(None), ~blocked
