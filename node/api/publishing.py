"""Saying something, changing it, taking it back; and who would see it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from node.actions import content_rules, outbox
from node.actions.drafts import Draft, PollDraft
from node.actions.texts import MOST_CHARACTERS, find_named
from node.api import limits
from node.api.entities.values import CHOSEN_BY, SHOWN_AS
from node.api.found import nothing, own_post, the_post
from node.api.given import Given, given
from node.api.guards import Caller
from node.api.shown import status_of
from node.content import markdown
from node.database import db, transaction
from node.errors import N_, Invalid, NotThere
from node.models import Post
from node.policy import WITHIN, Audience
from node.policy.words import sentence
from node.queries import audience as audiences
from node.queries import posts, spaces
from node.runtime import current_node

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")


def publish(caller: Caller) -> dict[str, Any]:
    """POST /api/v1/statuses. The same Idempotency-Key gives the post made before."""
    limits.count("post", str(caller.member.id))
    wanted = given()
    _refuse_what_we_cannot(wanted)
    try:
        post_id = _publish(caller, wanted)
    except IntegrityError:
        if not request.headers.get("Idempotency-Key"):
            raise
        post_id = _publish(caller, wanted)  # the twin of this request was a moment faster
    return _fresh(caller, post_id)


def edit(caller: Caller, status_id: int) -> dict[str, Any]:
    """PUT /api/v1/statuses/:id"""
    wanted = given()
    _refuse_what_we_cannot(wanted)
    node = current_node()
    rules = node.rules(db.session())
    with transaction() as session:
        post = own_post(session, caller, status_id)
        _check_same_poll(post, wanted)
        outbox.edit(
            session, post, by=caller.actor, text=wanted.text("status", post.source or ""),
            summary=wanted.text("spoiler_text", most=5000) if "spoiler_text" in wanted else None,
            is_sensitive=wanted.flag("sensitive") if "sensitive" in wanted else None,
            language=_language(wanted), settings=node.settings, rules=rules, now=node.now(),
        )  # fmt: skip
    return _fresh(caller, status_id)


def delete(caller: Caller, status_id: int) -> dict[str, Any]:
    """DELETE /api/v1/statuses/:id. Answers with the source, so that it can be written anew."""
    limits.count("delete", str(caller.member.id))
    node = current_node()
    rules = node.rules(db.session())
    post = own_post(db.session(), caller, status_id)
    entity = status_of(caller, post) | {"text": post.source or ""}
    with transaction() as session:
        fresh = own_post(session, caller, status_id)
        outbox.delete(session, fresh, by=caller.actor, settings=node.settings, rules=rules, now=node.now())
    return entity


def preview(caller: Caller) -> dict[str, Any]:
    """GET /api/v1/courtyard/preview: who would see it, by the functions that deliver it."""
    wanted = given()
    session = db.session()
    node = current_node()
    parent = _parent(session, caller, wanted)
    audience, space_id = _audience(session, caller, wanted, parent)
    names = markdown.mentions(wanted.text("status", most=MOST_CHARACTERS))[:100]
    named = {actor.id for actor in find_named(session, names, node.settings).values()}
    if parent is not None:
        named.add(parent.author_id)
    named.discard(caller.actor_id)
    gate = node.rules(session)
    words = (wanted.text("spoiler_text"), wanted.text("status", most=MOST_CHARACTERS))
    matched = content_rules.foresee(session, caller.actor_id, words, named, gate)
    found = audiences.preview(session, caller.actor_id, audience, named, space_id, gate, node.now(), matched)
    return {
        "audience": found.audience.value,
        "visibility": SHOWN_AS[found.audience],
        "inside": found.inside,
        "outside": found.outside,
        "servers": [
            {
                "host": server.host,
                "people": server.people,
                "software": server.software,
                "verdict": server.decision.verdict.value,
                "reasons": [
                    {"code": reason.code, "text": text % values}
                    for reason in server.decision.reasons
                    for text, values in (sentence(reason),)
                ],
            }
            for server in found.servers
        ],
    }


def _publish(caller: Caller, wanted: Given) -> int:
    node = current_node()
    rules = node.rules(db.session())
    with transaction() as session:
        parent = _parent(session, caller, wanted)
        audience, space_id = _audience(session, caller, wanted, parent)
        draft = Draft(
            text=wanted.text("status"),
            audience=audience,
            summary=wanted.text("spoiler_text", most=5000),
            language=_language(wanted),
            is_sensitive=wanted.flag("sensitive"),
            in_reply_to=parent,
            space_id=space_id,
            poll=_poll(wanted),
            idempotency_key=request.headers.get("Idempotency-Key", "")[:100] or None,
        )
        return outbox.publish(session, caller.actor, draft, settings=node.settings, rules=rules, now=node.now()).id


def _fresh(caller: Caller, post_id: int) -> dict[str, Any]:
    session = db.session()
    session.expire_all()
    post = posts.get(session, post_id, caller.viewer)
    if post is None:
        raise nothing()
    return status_of(caller, post)


def _refuse_what_we_cannot(wanted: Given) -> None:
    """Better a clear no than a post without its picture."""
    if wanted.many("media_ids"):
        raise Invalid("media_later", N_("Files cannot be attached on this server yet."), "media_ids")
    if wanted.text("scheduled_at"):
        raise Invalid("no_schedule", N_("Posts cannot be scheduled on this server."), "scheduled_at")
    if wanted.text("quoted_status_id"):
        raise Invalid("no_quotes", N_("Posts cannot be quoted on this server."), "quoted_status_id")


def _parent(session: Session, caller: Caller, wanted: Given) -> Post | None:
    text = wanted.text("in_reply_to_id", most=40)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise _parent_not_there()
    try:
        return the_post(session, caller, int(text))
    except NotThere:
        raise _parent_not_there() from None


def _parent_not_there() -> NotThere:
    return NotThere("parent_not_there", N_("The post you answer is not there any more."), "in_reply_to_id")


def _audience(session: Session, caller: Caller, wanted: Given, parent: Post | None) -> tuple[Audience, int | None]:
    """Return (audience, space id) of what is to be published; nothing said means the member's default.

    An answer is never wider than what it answers. Clients know no word for our own audiences and call them 'private'. So
    'private' means the member's default where that is what they were told the default is (an app that sends back what it
    was told never widens it); answering a post they call so "privately" means its audience. 'followers' is always followers.
    """
    space_name = wanted.text("courtyard_space", most=64)
    if space_name:
        space = spaces.by_name(session, space_name)
        if space is None or not spaces.is_inside(session, space.id, caller.actor_id):
            raise Invalid("space", N_("There is no such space, or you are not in it."), "courtyard_space")
        return Audience.SPACE, space.id
    name = wanted.text("visibility", most=40)
    if name and name not in CHOSEN_BY:
        raise Invalid("visibility", N_("There is no such visibility."), "visibility")
    wish = Audience(caller.member.default_audience)
    if name == "private" == SHOWN_AS[wish]:
        name = ""
    if parent is None:
        return (CHOSEN_BY[name] if name else wish), None
    widest = Audience(parent.audience)
    if not name:
        chosen = wish if wish in WITHIN[widest] else widest
    elif name == "private" and SHOWN_AS[widest] == "private" and widest.rank < Audience.FOLLOWERS.rank:
        chosen = widest
    else:
        chosen = CHOSEN_BY[name]
    return chosen, parent.space_id if chosen is Audience.SPACE else None


def _language(wanted: Given) -> str | None:
    text = wanted.text("language", most=40)
    if not text:
        return None
    if len(text) > 16 or not LANGUAGE.fullmatch(text):
        raise Invalid("language", N_("That is not a language code."), "language")
    return text


def _poll(wanted: Given) -> PollDraft | None:
    if "poll" not in wanted:
        return None
    poll = wanted.part("poll")
    options = tuple(poll.texts("options"))
    seconds = poll.number("expires_in")
    if not options and seconds is None:
        return None
    if seconds is None or seconds > 10 * 365 * 86400:
        raise Invalid("poll_length", N_("A poll lasts from 5 minutes to 90 days."), "poll")
    return PollDraft(options, poll.flag("multiple"), timedelta(seconds=seconds))


def _check_same_poll(post: Post, wanted: Given) -> None:
    """Clients send the poll along with an edit. What people voted on does not change under them."""
    options = wanted.part("poll").texts("options")
    if options and options != [option.name for option in post.options]:
        raise Invalid("poll_fixed", N_("A poll cannot be changed once it is published."), "poll")
