"""Sample content in bulk: members, peers and posts that look like a company's, for demos and measuring.

Rows are written as the ordinary verbs would leave them, but by thousands: no gate is asked, nothing is delivered, and the
people of other servers exist here alone (`.example`, RFC 2606). The same seed gives the same content.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from federation import keys
from node import uris
from node.actions import members, node_settings
from node.actions import sample_texts as words
from node.config import Settings
from node.content import markdown
from node.content.cleaning import CLEANER_VERSION
from node.database import RANDOM_BITS, id_floor
from node.models import Actor, ActorKey, Boost, Follow, Hashtag, Host, Like, Member, Peer, Post, TimelineEntry
from node.policy import Audience, PeerState

SPAN = timedelta(days=400)
"""Posts are spread over this time before now."""
CHUNK = 4_000
FOLLOWS = 8
PEOPLE_PER_PEER = 6
KEY_POOL = 24
"""RSA keys take 60 ms each to make: beyond this many members, sample members share them."""
LOCAL_AUDIENCES = {
    Audience.MEMBERS: 55, Audience.PUBLIC: 22, Audience.FOLLOWERS: 13, Audience.PARTNERS: 6, Audience.UNLISTED: 4,
}  # fmt: skip
PEER_STATES = (PeerState.PARTNER, PeerState.ALLOWED, PeerState.ALLOWED, PeerState.LIMITED, PeerState.WAITING, PeerState.BLOCKED)
CONNECTED = (PeerState.PARTNER, PeerState.ALLOWED)


@dataclass(frozen=True, slots=True)
class Person:
    """An actor as far as posting and following goes."""

    id: int
    uri: str
    username: str
    host: str
    language: str


@dataclass(slots=True)
class Company:
    """Who is there, and who follows whom: `readers[author]` are the local followers."""

    people: list[Person]
    readers: dict[int, list[int]] = field(default_factory=dict)


class Ids:
    """Sortable ids that never repeat within one run, for moments that never go back."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._last = 0

    def at(self, moment: datetime) -> int:
        """Return the next id, of `moment` or just after the last."""
        self._last = max(self._last + 1, id_floor(moment) | self._chance.getrandbits(RANDOM_BITS))
        return self._last


def add_members(
    session: Session, number: int, *, password: str | None, settings: Settings, chance: random.Random, now: datetime
) -> None:
    """Add sample members, after those there are. With a password all of them sign in with it. Raises Invalid."""
    from node.actions import passwords

    if password is not None:
        passwords.check(password)
    hashed = passwords.hash_password(password) if password is not None else None
    members.ensure_node_actor(session, settings, now)
    taken = set(session.scalars(select(Actor.username).where(Actor.host == "")))
    ids = Ids(chance)
    pairs = [(keys.generate_rsa(), keys.generate_ed25519()) for _ in range(min(number, KEY_POOL))]
    actors, logins, all_keys = [], [], []
    began = now - SPAN
    for index in range(number):
        name, username = _name(index, taken, chance)
        language = chance.choice(("de", "de", "en"))
        uri = uris.actor_uri(settings.origin, username)
        actor_id = ids.at(began + index * timedelta(seconds=1))
        actors.append(_actor_row(actor_id, uri, username, name, "", language, chance, settings.origin, began))
        for fragment, pair in zip(("main-key", "ed25519-key"), pairs[index % KEY_POOL], strict=True):
            algorithm = "rsa" if fragment == "main-key" else "ed25519"
            all_keys.append({
                "id": ids.at(began), "actor_id": actor_id, "key_id": f"{uri}#{fragment}", "algorithm": algorithm,
                "public_pem": pair.public_pem, "private_pem": pair.private_pem, "fetched_at": now,
            })  # fmt: skip
        logins.append({
            "id": ids.at(began), "actor_id": actor_id, "email": f"{username}@staff.example", "password_hash": hashed,
            "role": "member", "language": language, "theme": "auto", "is_informal": False,
            "default_audience": Audience.MEMBERS.value, "created_at": began,
            "seen_at": now - timedelta(hours=chance.randrange(400)), "notifications_read_id": 0,
        })  # fmt: skip
    _write(session, Actor, actors)
    _write(session, ActorKey, all_keys)
    _write(session, Member, logins)


def add_peers(session: Session, number: int, *, settings: Settings, chance: random.Random, now: datetime) -> None:
    """Add servers in several states, each with a few people and a fact or two."""
    known = set(session.scalars(select(Peer.host))) | set(session.scalars(select(Host.host)))
    ids = Ids(chance)
    peers, hosts, actors = [], [], []
    for index, host in zip(range(number), _free_hosts(known), strict=False):
        state = PEER_STATES[index % len(PEER_STATES)]
        software, version = chance.choice(words.SOFTWARE)
        began = now - timedelta(days=chance.randrange(20, 380))
        expires = now + timedelta(days=chance.randrange(30, 400)) if state is PeerState.PARTNER else None
        peers.append({
            "host": host, "state": state.value, "created_at": began, "updated_at": began, "expires_at": expires,
            "allows_media": True, "allows_reports": True, "note": "", "owner": "", "purpose": "", "public_reason": "",
        })  # fmt: skip
        hosts.append({
            "host": host, "software": software, "version": version, "scheme": "cavage", "breaker": {}, "in_flight_limit": 2,
            "successes": chance.randrange(2_000), "last_success_at": now, "last_reason": "", "used_at": now,
        })  # fmt: skip
        taken: set[str] = set()
        for person in range(PEOPLE_PER_PEER):
            name, username = _name(chance.randrange(10_000) + person, taken, chance)
            origin = f"https://{host}"
            uri = uris.actor_uri(origin, username)
            actor_id = ids.at(now - SPAN)
            actors.append(_actor_row(actor_id, uri, username, name, host, chance.choice(("de", "en")), chance, origin, began))
    _write(session, Peer, peers)
    _write(session, Host, hosts)
    _write(session, Actor, actors)
    if peers:
        node_settings.raise_version(session, now)


def connect(session: Session, *, settings: Settings, chance: random.Random, now: datetime) -> Company:
    """Let people who follow nobody yet follow some others, and return who is there. Only peers let in take part."""
    company = _company(session)
    local = [person for person in company.people if not person.host]
    known = set(session.scalars(select(Follow.follower_id).distinct()))
    ids = Ids(chance)
    rows: list[dict[str, Any]] = []
    for person in company.people:
        if person.id in known:
            continue
        others = company.people if not person.host else local
        number = min(len(others) - 1, chance.randrange(2, 2 * FOLLOWS))
        for target in chance.sample(others, max(number, 0)):
            if target.id == person.id:
                continue
            follow_id = ids.at(now - SPAN)
            rows.append({
                "id": follow_id, "follower_id": person.id, "target_id": target.id, "state": "accepted",
                "uri": uris.follow_uri(settings.origin if not person.host else f"https://{person.host}", follow_id),
                "created_at": now - SPAN, "accepted_at": now - SPAN,
            })  # fmt: skip
    _write(session, Follow, rows)
    _add_up(session, Actor.followers_count, Counter(row["target_id"] for row in rows))
    _add_up(session, Actor.following_count, Counter(row["follower_id"] for row in rows))
    here = {person.id for person in local}
    follows = select(Follow.target_id, Follow.follower_id).where(Follow.state == "accepted")
    for target_id, follower_id in session.execute(follows):
        if follower_id in here:
            company.readers.setdefault(target_id, []).append(follower_id)
    return company


def write_posts(
    session: Session, company: Company, number: int, first: int, total: int, *,
    settings: Settings, chance: random.Random, now: datetime,
) -> None:  # fmt: skip
    """Write posts `first` to `first + number` of `total`, oldest first, with replies, likes, boosts and home lines.

    Call it chunk by chunk (CHUNK), each in a transaction of its own: replies stay within their chunk.
    """
    ids = Ids(chance)
    texts = _Texts(settings)
    step = SPAN / (total + 1)
    sheet = _Sheet()
    for index in range(first, first + number):
        moment = now - SPAN + step * (index + 1)
        author = chance.choice(company.people)
        parent = chance.choice(sheet.posts[-300:]) if sheet.posts and chance.random() < 0.35 else None
        post = _post_row(ids.at(moment), author, parent, moment, texts, settings, chance, sheet)
        sheet.posts.append(post)
        for reader in {*company.readers.get(author.id, ()), *(() if author.host else (author.id,))}:
            sheet.lines.append({"actor_id": reader, "entry_id": post["id"], "post_id": post["id"], "boost_id": None})
        _react(post, author, company, ids, moment, settings, chance, sheet)
    _write(session, Post, sheet.posts)
    _write(session, Hashtag, sheet.hashtags)
    _write(session, Like, sheet.likes)
    _write(session, Boost, sheet.boosts)
    _write(session, TimelineEntry, sheet.lines)
    _add_up(session, Actor.posts_count, Counter(post["author_id"] for post in sheet.posts))
    latest = {post["author_id"]: post["published_at"] for post in sheet.posts}
    table: Any = Actor.__table__
    change = update(table).where(table.c.id == bindparam("whose")).values(last_post_at=bindparam("at"))
    session.execute(change, [{"whose": whose, "at": at} for whose, at in latest.items()])


@dataclass(slots=True)
class _Sheet:
    """Rows of one chunk."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    hashtags: list[dict[str, Any]] = field(default_factory=list)
    likes: list[dict[str, Any]] = field(default_factory=list)
    boosts: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)


class _Texts:
    """The sample sentences with their HTML, rendered once; the places are filled in afterwards."""

    def __init__(self, settings: Settings) -> None:
        links = markdown.Links(hashtag=lambda name: uris.tag_uri(settings.origin, name.casefold()))
        self._pool = {
            (kind, language): [(text, markdown.render(text, links), markdown.hashtags(text)) for text in texts]
            for kind, by_language in (("post", words.POSTS), ("reply", words.REPLIES))
            for language, texts in by_language.items()
        }

    def pick(self, kind: str, language: str, chance: random.Random) -> tuple[str, str, Sequence[str]]:
        """Return source, HTML and hashtags."""
        source, html, tags = chance.choice(self._pool[kind, language])
        values = {"n": chance.randrange(3, 90), "hour": chance.randrange(7, 19), "place": chance.choice(words.PLACES[language])}
        return source.format(**values), html.format(**values), tags


def _post_row(
    post_id: int, author: Person, parent: dict[str, Any] | None, moment: datetime, texts: _Texts, settings: Settings,
    chance: random.Random, sheet: _Sheet,
) -> dict[str, Any]:  # fmt: skip
    if author.host and parent and parent["audience"] not in (Audience.PUBLIC, Audience.UNLISTED):
        parent = None  # Somebody elsewhere cannot have seen it.
    language = parent["language"] if parent else author.language
    source, html, tags = texts.pick("reply" if parent else "post", language, chance)
    if parent:
        audience = parent["audience"]  # A reply is never wider than what it answers.
        parent["replies_count"] += 1
    elif author.host:
        audience = Audience.PUBLIC.value
    else:
        audience = chance.choices(list(LOCAL_AUDIENCES), list(LOCAL_AUDIENCES.values()))[0].value
    origin = settings.origin if not author.host else f"https://{author.host}"
    uri = uris.post_uri(origin, author.username, post_id)
    sheet.hashtags += [{"id": post_id + place, "post_id": post_id, "name": name} for place, name in enumerate(tags)]
    return {
        "id": post_id, "uri": uri, "url": uri, "author_id": author.id, "is_local": not author.host, "kind": "Note",
        "audience": audience, "in_reply_to_uri": parent["uri"] if parent else None,
        "in_reply_to_id": parent["id"] if parent else None,
        "thread_id": parent["thread_id"] if parent else post_id, "title": "", "source": None if author.host else source,
        "content_raw": html if author.host else None, "content_html": html, "cleaner_version": CLEANER_VERSION, "summary": "",
        "is_sensitive": False, "language": language, "published_at": moment, "received_at": moment,
        "likes_count": 0, "boosts_count": 0, "replies_count": 0, "addressed": {},
    }  # fmt: skip


def _react(
    post: dict[str, Any], author: Person, company: Company, ids: Ids, moment: datetime, settings: Settings,
    chance: random.Random, sheet: _Sheet,
) -> None:  # fmt: skip
    """Let some local people like the post, and now and then somebody boost it."""
    here = company.readers.get(author.id, [])
    if here and chance.random() < 0.4:
        for actor_id in chance.sample(here, chance.randrange(1, min(4, len(here)) + 1)):
            like_id = ids.at(moment)
            uri = f"{settings.origin}/activities/{like_id}"
            sheet.likes.append({"id": like_id, "post_id": post["id"], "actor_id": actor_id, "uri": uri, "created_at": moment})
            post["likes_count"] += 1
    if here and post["audience"] == Audience.PUBLIC and chance.random() < 0.06:
        booster = chance.choice(here)
        boost_id = ids.at(moment)
        uri = f"{settings.origin}/activities/{boost_id}"
        sheet.boosts.append({
            "id": boost_id, "post_id": post["id"], "actor_id": booster, "uri": uri, "created_at": moment,
        })  # fmt: skip
        post["boosts_count"] += 1
        for reader in {booster, *company.readers.get(booster, ())}:
            sheet.lines.append({"actor_id": reader, "entry_id": boost_id, "post_id": post["id"], "boost_id": boost_id})


def _company(session: Session) -> Company:
    let_in = select(Peer.host).where(Peer.state.in_(CONNECTED))
    present = Actor.deleted_at.is_(None), Actor.suspended_at.is_(None), Actor.kind == "Person"
    columns = select(Actor.id, Actor.uri, Actor.username, Actor.host).where(*present, Actor.host.in_(let_in) | (Actor.host == ""))
    rows = session.execute(columns.order_by(Actor.id)).all()
    spoken = {actor_id: language for actor_id, language in session.execute(select(Member.actor_id, Member.language))}  # noqa: C416
    return Company([Person(*row, spoken.get(row[0]) or ("de", "en")[row[0] % 2]) for row in rows])


def _actor_row(
    actor_id: int, uri: str, username: str, name: str, host: str, language: str, chance: random.Random, origin: str,
    began: datetime,
) -> dict[str, Any]:  # fmt: skip
    summary = chance.choice(words.FAMOUS_FOR[language])
    return {
        "id": actor_id, "uri": uri, "url": uri, "kind": "Person", "username": username, "host": host, "name": name,
        "summary_source": "" if host else summary, "summary_html": f"<p>{summary}</p>", "fields": [], "also_known_as": [],
        "details": {}, "inbox": uris.inbox_uri(uri), "shared_inbox": uris.shared_inbox_uri(origin),
        "outbox": uris.outbox_uri(uri),
        "followers_uri": uris.followers_uri(uri), "following_uri": uris.following_uri(uri),
        "featured_uri": uris.featured_uri(uri),
        "is_locked": False, "is_discoverable": True, "is_indexable": False,
        "followers_count": 0, "following_count": 0, "posts_count": 0, "created_at": began, "updated_at": began,
        "fetched_at": began if host else None,
    }  # fmt: skip


def _name(index: int, taken: set[str], chance: random.Random) -> tuple[str, str]:
    """Return a shown name and a user name that is not taken yet; remember it."""
    first, last = words.FIRST_NAMES[index % len(words.FIRST_NAMES)], chance.choice(words.LAST_NAMES)
    plain = first.lower()
    username, number = plain, 1
    while username in taken:
        number += 1
        username = f"{plain}{number + index // len(words.FIRST_NAMES)}"
    taken.add(username)
    return f"{first} {last}", username


def _free_hosts(known: set[str]) -> Iterator[str]:
    number = 0
    while True:
        for company in words.COMPANIES:
            host = f"{company}{number or ''}.example"
            if host not in known:
                yield host
        number += 1


def _write(session: Session, model: type[Any], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(model.__table__), rows)


def _add_up(session: Session, column: Any, counts: Counter[int]) -> None:
    """Add the counts to a column of Actor."""
    if counts:
        table: Any = Actor.__table__
        grown = {column.key: table.c[column.key] + bindparam("more")}
        change = update(table).where(table.c.id == bindparam("whose")).values(grown)
        session.execute(change, [{"whose": whose, "more": more} for whose, more in counts.items()])


def count_local(session: Session) -> int:
    """Return how many people are here to post."""
    return session.scalar(select(func.count(Member.id)).where(Member.suspended_at.is_(None))) or 0
