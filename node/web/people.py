"""Profiles, and who follows whom."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from federation.errors import FederationError
from federation.origins import normalise_host
from node.database import db, row_id
from node.models import Actor
from node.queries import actors, members, posts, timelines
from node.runtime import current_node
from node.visitors import the_member, visitor
from node.web.finding import let_be_listed
from node.web.presenting import actor_url, display_name
from node.web.reading import is_street_open, marks_of, page_keys, stream, viewer

PAGE = 40


def profile(name: str) -> Any:
    """Show a member's profile, to strangers with what is public."""
    actor = actors.by_name(db.session(), name)
    if actor is None or actor.kind == "Application":
        abort(404)
    if visitor() is None and not is_street_open():
        return redirect(url_for("web.sign_in", next=request.path), 303)
    if name != actor.username:
        return redirect(actor_url(actor), 301)
    return _show(actor, "web.profile", {"name": name})


def remote_profile(handle: str) -> Any:
    """Show what we know of somebody elsewhere."""
    username, _at, host = handle.partition("@")
    try:
        host = normalise_host(host, scheme=current_node().settings.scheme) if host else ""
    except FederationError:
        abort(404)
    if host in ("", current_node().settings.host):
        return redirect(url_for("web.profile", name=username), 303)
    actor = actors.by_handle(db.session(), username, host)
    if actor is None:
        return redirect(url_for("web.search", q=f"@{username}@{host}"), 303)
    return _show(actor, "web.remote_profile", {"handle": handle})


def followers(name: str) -> str:
    """List who follows a member."""
    actor = _ours(name)
    follows = actors.followers(db.session(), actor.id, request.args.get("older", type=row_id), PAGE)
    return _list(actor, [follow.follower for follow in follows], _("Followers of %(name)s", name=display_name(actor)),
                 url_for("web.followers", name=name, older=follows[-1].id) if len(follows) >= PAGE else "",
                 _("Nobody follows yet"))  # fmt: skip


def following(name: str) -> str:
    """List whom a member follows."""
    actor = _ours(name)
    follows = actors.following(db.session(), actor.id, request.args.get("older", type=row_id), PAGE)
    return _list(actor, [follow.target for follow in follows], _("Followed by %(name)s", name=display_name(actor)),
                 url_for("web.following", name=name, older=follows[-1].id) if len(follows) >= PAGE else "",
                 _("Nobody is followed yet"))  # fmt: skip


def _show(actor: Actor, endpoint: str, values: dict[str, Any]) -> str:
    session = db.session()
    with_replies = request.args.get("answers") == "yes"
    lines = timelines.profile(session, viewer(), actor.id, with_replies=with_replies, **page_keys())
    page = stream(lines, endpoint, **values, **({"answers": "yes"} if with_replies else {}))
    pinned = [] if page["is_later_page"] or with_replies else posts.pinned(session, viewer(), actor.id)
    if pinned:
        page["marks"] = marks_of([*pinned, *(line.post for line in lines)])
    let_be_listed(actor, [*pinned, *(line.post for line in lines)])
    member = visitor()
    relation = (
        actors.relations(session, member.actor_id, [actor.id])[actor.id] if member and member.actor_id != actor.id else None
    )
    person = members.by_actor(session, actor.id) if not actor.host and member else None
    is_whole = bool(actor.host) or (member is not None and member.actor_id == actor.id)
    return render_template(
        "web/profile.html", actor=actor, relation=relation, pinned=pinned, with_replies=with_replies,
        posts_count=actor.posts_count if is_whole else posts.count(session, viewer(), actor.id),
        role=person.role if person else "", **page,
    )  # fmt: skip


def _ours(name: str) -> Actor:
    actor = actors.by_name(db.session(), name)
    if actor is None:
        abort(404)
    return actor


def _list(actor: Actor, people: list[Actor], heading: str, older: str, empty_title: str) -> str:
    relations = actors.relations(db.session(), the_member().actor_id, [person.id for person in people])
    return render_template(
        "web/people.html", people=people, relations=relations, is_requests=False, heading=heading, older=older,
        back=actor_url(actor), back_words=_("Back to the profile"), empty_title=empty_title,
        empty_words=_("That can change."),
    )  # fmt: skip
