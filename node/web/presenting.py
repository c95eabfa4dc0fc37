"""How rows read on a page: names, links, marks, times. Templates call these; nothing here queries or decides.

`init_app` hands them to Jinja for every door that renders pages.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, current_app, request, url_for
from flask_babel import format_date, format_datetime, format_number, format_time, format_timedelta
from jinja2.filters import do_striptags
from markupsafe import Markup

from node.database import utc_now

if TYPE_CHECKING:
    from node.models import Actor, Post

TONES = 6
RECENT = timedelta(days=7)
CROSSING = frozenset({"partners", "followers", "unlisted", "public"})
ICONS: Mapping[str, str] = {
    "direct": "mail",
    "space": "people",
    "members": "inside",
    "partners": "partner",
    "followers": "lock",
    "unlisted": "moon",
    "public": "globe",
}


def display_name(actor: Actor) -> str:
    """Return the name an actor chose, else the user name."""
    return actor.name.strip() or actor.username


def handle(actor: Actor) -> str:
    """Return '@anna' for ours and '@anna@host.example' for others'."""
    return f"@{actor.username}@{actor.host}" if actor.host else f"@{actor.username}"


def initials(actor: Actor) -> str:
    """Return one or two letters that stand for an actor where there is no picture."""
    words = [word for word in display_name(actor).split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def tone(actor: Actor) -> int:
    """Return which of the quiet colours (0..5) belongs to this actor, the same on every page."""
    return zlib.crc32(f"{actor.username}@{actor.host}".encode()) % TONES


def actor_url(actor: Actor) -> str:
    """Return the page about an actor on this node."""
    if actor.host:
        return url_for("web.remote_profile", handle=f"{actor.username}@{actor.host}")
    return url_for("web.profile", name=actor.username)


def post_url(post: Post) -> str:
    """Return the page of a post on this node; `post.author` must be loaded."""
    if post.is_local:
        return url_for("web.post", name=post.author.username, post_id=post.id)
    return url_for("web.any_post", post_id=post.id)


def crosses(post: Post) -> bool:
    """Whether a post crossed the wall, or came from beyond it: it then carries the outside mark everywhere."""
    if not post.is_local or post.audience in CROSSING:
        return True
    return post.audience == "direct" and any(mention.actor.host for mention in post.mentions)


def ago(moment: datetime) -> str:
    """Return 'three hours ago' for the last week, else the date, in the reader's language."""
    passed = _now() - moment
    if abs(passed) < timedelta(seconds=45):
        passed = timedelta(seconds=1)
    if abs(passed) < RECENT:
        return str(format_timedelta(-passed, granularity="second", add_direction=True, threshold=0.95))
    return str(format_date(moment, "d MMM" if moment.year == _now().year else "d MMM yyyy"))


def clock(moment: datetime | None) -> Markup:
    """Return a <time> element with words for a glance and the exact time as its title."""
    if moment is None:
        return Markup("")
    mark = Markup(" data-relative") if abs(_now() - moment) < RECENT else Markup("")
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        moment.isoformat(timespec="seconds"), format_datetime(moment, "long"), mark, ago(moment)
    )


def day(moment: datetime | None) -> str:
    """Return a date in full, or '' for none."""
    return str(format_date(moment, "long")) if moment else ""


def moment(text: str | None) -> str:
    """Return a date and time as others wrote it (ISO 8601), in the reader's words, to the minute and with its zone (UTC; none
    where it was written without one). What is no time is returned as it is."""
    try:
        when = datetime.fromisoformat(text or "")
    except ValueError:
        return text or ""
    return f"{format_date(when, 'long')}, {format_time(when, 'short')}{' UTC' if when.tzinfo else ''}"


def gist(post: Post, most: int = 80) -> str:
    """Return what a post says in one line of at most `most` characters: its title, warning or text, else what a poll offers,
    else what its files show; '' when there are no words at all. `post.options` and `post.attachments` must be loaded."""
    words = post.title or post.summary or do_striptags(post.content_html)
    words = words or " / ".join(option.name for option in post.options)
    words = words or " / ".join(file.description for file in post.attachments if file.description)
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def is_over(poll: Mapping[str, Any]) -> bool:
    """Whether a poll is closed, or its time has come."""
    if poll.get("closed"):
        return True
    try:
        closes_at = datetime.fromisoformat(poll.get("closes_at") or "")
    except ValueError:
        return False
    return closes_at.tzinfo is not None and closes_at <= _now()


def web_address(text: str | None) -> str:
    """Return an address that a link may lead to: http and https, nothing else."""
    return text if text and text.lower().startswith(("https://", "http://")) else ""


def count(value: int) -> str:
    """Return a whole number with the reader's separators."""
    return str(format_number(value))


def asset(path: str) -> str:
    """Return the address of a static file with its content's hash, so that browsers may keep it for good."""
    return url_for("static", filename=path, v=_digest(str(current_app.static_folder), path))


@cache
def _digest(folder: str, path: str) -> str:
    return hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:12]


def _now() -> datetime:
    node = current_app.extensions.get("courtyard")
    return node.now() if node else utc_now()


def keep_assets(response: Response) -> Response:
    """Let browsers keep a static file for good when its address names its content, and ask anew otherwise."""
    if request.endpoint == "static" and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
    return response


def init_app(app: Flask) -> None:
    """Give Jinja the functions above by their own names; `audience_icons` maps audience to icon."""
    functions = (
        display_name, handle, initials, tone, actor_url, post_url, crosses, ago, clock, day, moment, is_over, web_address,
        count, asset, gist,
    )  # fmt: skip
    app.jinja_env.globals.update({function.__name__: function for function in functions}, audience_icons=ICONS)
    app.after_request(keep_assets)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
