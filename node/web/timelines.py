"""Home, inside, what is public, bookmarks, a tag; and notifications."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from node.actions import members
from node.database import db, row_id, transaction
from node.queries import actors, notifications, timelines
from node.queries.audience import ANONYMOUS
from node.visitors import the_member, visitor
from node.web.drafts import composer_for
from node.web.reading import is_street_open, page_keys, stream, viewer

NOTICES = 40


def home() -> Any:
    """Show a member their home; a stranger is shown what is public, or the way in."""
    member = visitor()
    if member is None:
        return redirect(url_for("web.explore" if is_street_open() else "web.sign_in"), 303)
    lines = timelines.home(db.session(), member.actor_id, **page_keys())
    page = stream(lines, "web.home")
    composer = {} if page["is_later_page"] else composer_for(member)
    return render_template("web/home.html", **page, **composer)


def inside() -> str:
    """Show what is said here to everybody inside."""
    lines = timelines.local(db.session(), viewer(), **page_keys())
    return render_template(
        "web/timeline.html", **stream(lines, "web.inside"), here="inside", heading=_("Inside"),
        words=_("What members say here to everybody inside. Answers are in the conversations."),
        empty_icon="inside", empty_title=_("Nobody has said anything yet"),
        empty_words=_("Be the first: what you write goes to the people inside."),
    )  # fmt: skip


def explore() -> Any:
    """Show what is public here, to members and strangers alike."""
    if visitor() is None and not is_street_open():
        return redirect(url_for("web.sign_in"), 303)
    lines = timelines.local(db.session(), ANONYMOUS, **page_keys())
    return render_template(
        "web/timeline.html", **stream(lines, "web.explore"), here="explore", heading=_("What is public"),
        words=_("What members say here to the whole world."),
        empty_icon="explore", empty_title=_("Nothing is public yet"), empty_words=_("Most of what is said here stays inside."),
    )  # fmt: skip


def messages() -> str:
    """Show what was said to the member alone, or by them to somebody alone."""
    lines = timelines.direct(db.session(), the_member().actor_id, **page_keys())
    return render_template(
        "web/timeline.html", **stream(lines, "web.messages"), here="messages", heading=_("Messages"),
        words=_("Only you and the people named in it see each of these."),
        empty_icon="mail", empty_title=_("No messages yet"),
        empty_words=_("Write to somebody from their profile, or name them with @ and choose “Only those named”."),
    )  # fmt: skip


def bookmarks() -> str:
    """Show what the member kept for later."""
    member = the_member()
    lines = timelines.bookmarks(db.session(), viewer(), member.id, **page_keys())
    return render_template(
        "web/timeline.html", **stream(lines, "web.bookmarks"), here="bookmarks", heading=_("Bookmarks"),
        words=_("Only you see this list."),
        empty_icon="bookmark", empty_title=_("Nothing kept yet"),
        empty_words=_("Press the bookmark under a post to find it here again."),
    )  # fmt: skip


def tag(name: str) -> Any:
    """Show what carries a hashtag."""
    if visitor() is None and not is_street_open():
        return redirect(url_for("web.sign_in"), 303)
    lines = timelines.tag(db.session(), viewer(), name[:100], **page_keys())
    return render_template(
        "web/timeline.html", **stream(lines, "web.tag", name=name), heading="#" + name[:100], words="",
        empty_icon="search", empty_title=_("Nothing with this tag"), empty_words=_("At least nothing that is meant for you."),
    )  # fmt: skip


def notices() -> str:
    """Show what happened to the member. No GET changes anything: a button marks it as read."""
    member = the_member()
    older_than = request.args.get("older", type=row_id)
    events = notifications.list(db.session(), member.actor_id, older_than, NOTICES)
    waiting = len(actors.follow_requests(db.session(), member.actor_id))
    return render_template(
        "web/notifications.html", events=events, read_id=member.notifications_read_id, requests_count=waiting,
        newest_id=events[0].id if events and older_than is None else 0,
        older=url_for("web.notifications", older=events[-1].id) if len(events) >= NOTICES else "",
    )  # fmt: skip


def mark_read() -> BaseResponse:
    """Note that the member has seen everything up to the notification named in the form."""
    seen = request.form.get("newest", 0, type=row_id)
    member = the_member()
    with transaction(is_durable=False) as session:
        members.mark_read(session, session.merge(member), seen)
    return redirect(url_for("web.notifications"), 303)
