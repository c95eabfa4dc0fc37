"""Find what a person types or pastes: a handle (@ada@example.org) or the address of an actor or post.

What is ours is answered from the database and never asked for over HTTP, in any spelling (case F18). Everything else
passes the gate first. The network is asked outside transactions, then one transaction keeps what was found; doors call
`look_up` with no transaction of their own open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import discovery
from federation.actors import RemoteActor
from federation.discovery import JRD, Handle
from federation.errors import AddressRefused, FederationError, FetchFailed, LookupFailed, Malformed
from federation.objects import RemoteObject
from federation.origins import host_of, is_web_uri
from federation.vocabulary import POST_TYPES
from node.actions import remote
from node.actions.errands import want
from node.config import Settings
from node.database import db, transaction
from node.errors import N_, ActionError, GateRefused, Invalid, NotThere
from node.models import Actor, Post
from node.reading import Reader, gate_decision, reader_for, refusal
from node.slots import Busy

if TYPE_CHECKING:
    from node.runtime import Node

FRESH_FOR = timedelta(days=1)
"""An actor that was read within this time is not asked for again."""
LONGEST = 2_048

_OUR_POST = re.compile(r"/(?:users/|@)[^/]+/(?:posts/)?(\d{1,19})/?")
_OUR_ACTOR = re.compile(r"/(?:users/|@|spaces/)([^/@]+)(?:@[^/]*)?/?")


@dataclass(frozen=True, slots=True)
class Found:
    """What the network answered: an actor, or a post with its author (None: one we know already)."""

    actor: RemoteActor | None = None
    post: RemoteObject | None = None
    author: RemoteActor | None = None


def look_up(node: Node, text: str) -> Actor | Post | None:
    """Return the actor or post behind `text`, kept now if it is new; None when there is no such thing.

    Whether somebody may see the post is for `queries.audience` to say. Raises Invalid (no handle and no address),
    GateRefused (with reasons), NotThere (its server does not answer).
    """
    text = text.strip()
    known = find_known(db.session(), text, node.settings)
    if known is not None and not _is_worth_asking(known, node):
        return known
    if is_ours(text, node.settings):
        return known
    reader = reader_for(node)
    try:
        with node.slots.hold(_host_asked(text, node.settings)):
            found = find(reader, text)
    except Busy as error:
        raise NotThere("peer_away", N_("The other server does not answer for now. Try again later.")) from error
    except NotThere:
        if known is not None:
            return known
        raise
    except GateRefused:
        if isinstance(known, Actor):
            return known
        raise
    if found is None:
        return known
    with transaction() as session:
        return keep(session, found, reader)


def barred(node: Node, text: str) -> GateRefused | None:
    """Return why the server that a handle or an address leads to would not be asked; None when it would, or there is none."""
    host = _host_asked(text.strip(), node.settings)
    if not host or host == node.settings.host:
        return None
    decision = gate_decision(host, node.now(), node.rules(db.session()))
    return None if decision.is_yes else refusal(host, decision)


def find(reader: Reader, text: str) -> Found | None:
    """Ask the network. No transaction may be open. Raises as `look_up`."""
    try:
        if is_web_uri(text):
            return _at_address(reader, text)
        return Found(actor=_by_handle(reader, _handle(text, reader.settings)))
    except AddressRefused as error:
        raise NotThere("not_reachable", N_("%(host)s cannot be reached."), host=error.host) from error
    except FetchFailed as error:
        if error.temporary:
            raise NotThere("peer_away", N_("The other server does not answer for now. Try again later.")) from error
        return None
    except (LookupFailed, Malformed):
        return None
    except FederationError:
        return None


def keep(session: Session, found: Found, reader: Reader) -> Actor | Post | None:
    """Keep what `find` found, in the caller's transaction, and return its row."""
    try:
        if found.actor is not None:
            actor = remote.keep_actor(session, found.actor, reader.now)
            if actor.featured_uri:
                want(session, "featured", actor.uri, reader.now)
            return actor
        if found.post is None or found.post.author is None:
            return None
        if found.author is not None:
            author: Actor | None = remote.keep_actor(session, found.author, reader.now)
        else:
            author = session.scalar(select(Actor).where(Actor.uri == found.post.author, Actor.deleted_at.is_(None)))
        if author is None or author.suspended_at is not None:
            return None
        return remote.keep_post(session, found.post, author, reader.now, own_host=reader.settings.host)
    except (FederationError, remote.Buried, remote.NotAPost):
        return None


def find_known(session: Session, text: str, settings: Settings) -> Actor | Post | None:
    """Return what we have under this handle or address, ours or another's, without asking anybody."""
    text = text.strip()[:LONGEST]
    if is_web_uri(text):
        if is_ours(text, settings):
            return _ours_at(session, text)
        post = session.scalar(select(Post).where(Post.uri == text, Post.deleted_at.is_(None)))
        return post or session.scalar(select(Actor).where(Actor.uri == text, Actor.deleted_at.is_(None)))
    try:
        handle = _handle(text, settings)
    except Invalid:
        return None
    host = "" if handle.host == settings.host else handle.host
    named = (func.lower(Actor.username) == handle.username.lower(), Actor.host == host, Actor.deleted_at.is_(None))
    return session.scalar(select(Actor).where(*named).order_by(Actor.id).limit(1))  # as `actors.by_handle`


def is_ours(text: str, settings: Settings) -> bool:
    """Say whether a handle or address is of this node, in any spelling."""
    try:
        host = host_of(text) if is_web_uri(text) else _handle(text, settings).host
    except (FederationError, ActionError):
        return False
    return host == settings.host


def subscribe_template(reader: Reader, handle: Handle) -> str | None:
    """Return the address at which a person's own server takes follows, with '{uri}' in it; None when it names none."""
    try:
        return _webfinger(reader, handle).subscribe_template
    except (FederationError, ActionError):
        return None


def _host_asked(text: str, settings: Settings) -> str:
    """Return the host that a handle or an address leads to first; '' when there is none."""
    try:
        return host_of(text) if is_web_uri(text) else _handle(text, settings).host
    except (FederationError, ActionError):
        return ""


def _is_worth_asking(known: Actor | Post, node: Node) -> bool:
    if isinstance(known, Post) or known.is_local:
        return False
    return known.fetched_at is None or known.fetched_at < node.now() - FRESH_FOR


def _handle(text: str, settings: Settings) -> Handle:
    try:
        return discovery.parse_handle(text, allow_address=settings.allow_private_addresses)
    except Malformed as error:
        problem = N_("That is neither a name like @ada@example.org nor the address of a post or profile.")
        raise Invalid("not_findable", problem, "q") from error


def _by_handle(reader: Reader, handle: Handle) -> RemoteActor:
    """Return the actor that a handle names, if the actor bears it, too (case A17: each host speaks for itself alone)."""
    reader.require_gate(handle.host)
    answer = _webfinger(reader, handle)
    second: JRD | None = None
    if discovery.must_ask_again(handle, answer) and answer.subject is not None:
        try:
            second = _webfinger(reader, answer.subject)
        except (FederationError, ActionError):
            second = None
    actor = reader.actor(answer.actor_uri)
    discovery.require_both_ways(discovery.settle(handle, answer, second), answer, actor.id, actor.preferred_username)
    return actor


def _webfinger(reader: Reader, handle: Handle) -> JRD:
    schemes = ("http", "https") if reader.settings.scheme == "http" else ("https",)
    for scheme in schemes:
        url = discovery.webfinger_url(handle, scheme=scheme)
        try:
            return discovery.read_jrd(reader.json(url).document, handle)
        except FetchFailed:
            if scheme == schemes[-1]:
                raise
    raise LookupFailed(f"nobody answers for {handle}")


def _at_address(reader: Reader, url: str) -> Found | None:
    found = reader.thing(url)
    if isinstance(found, RemoteActor):
        return Found(actor=found)
    if found.type not in POST_TYPES or found.author is None or host_of(found.author) == reader.settings.host:
        return None
    session = db.session()
    known = session.scalar(select(Actor.id).where(Actor.uri == found.author, Actor.deleted_at.is_(None)))
    session.rollback()
    return Found(post=found, author=None if known is not None else reader.actor(found.author))


def _ours_at(session: Session, url: str) -> Actor | Post | None:
    """Return our post or actor at an address of ours: its id, or the page that shows it."""
    path = unquote(urlsplit(url).path)
    post = _OUR_POST.fullmatch(path)
    if post is not None:
        number = int(post[1])
        wanted = (Post.id == number, Post.is_local.is_(True), Post.deleted_at.is_(None))
        return session.scalar(select(Post).where(*wanted)) if number < 2**63 else None
    actor = _OUR_ACTOR.fullmatch(path)
    if actor is None:
        return None
    named = (func.lower(Actor.username) == actor[1].lower(), Actor.host == "", Actor.deleted_at.is_(None))
    return session.scalar(select(Actor).where(*named))
