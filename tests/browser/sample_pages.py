"""Every page with sample data, without a database: what `preview.py` photographs and `test_pages.py` examines.

Rows are made in memory. Some are ordinary, some are as awkward as people are: long names, right-to-left names, no name.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from node.models import Actor, Attachment, LoginSession, Member, Mention, Notification, PollOption, Post, PostVersion

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
NO_MARKS = SimpleNamespace(liked=False, boosted=False, bookmarked=False, pinned=False, voted=False)
AUDIENCES = ("direct", "members", "partners", "followers", "unlisted", "public")


def actor(number: int, username: str, name: str, host: str = "", summary: str = "", **values: Any) -> Actor:
    return Actor(
        id=number, uri=f"https://{host or 'nordlicht.example'}/users/{username}", kind="Person", username=username, host=host,
        name=name, summary_html=summary, fields=values.pop("fields", []), is_locked=values.pop("is_locked", False), moved_to_uri=None,
        followers_count=values.pop("followers_count", 12), following_count=31, posts_count=48, created_at=NOW, updated_at=NOW,
        url=None, **values,
    )  # fmt: skip


ANNA = actor(
    1, "anna", "Anna Lindqvist", summary="<p>Product lead for heat pumps. Ask me about the new controller, or about sourdough.</p>",
    fields=[["Department", "Product"], ["Place", "Kiel"], ["Website", "https://nordlicht.example/anna"]], followers_count=1240,
)  # fmt: skip
JONAS = actor(2, "jonas", "Jonas Wiedemann-Oberschmidt von der Hohenlinde", summary="<p>Service, North.</p>")
FATIMA = actor(3, "fatima_b", "Fatima Başaran")
REMOTE = actor(4, "mira", "Mira Okafor", "machines.example", "<p>Building things that last. She/her.</p>", is_locked=True, icon_url="https://machines.example/mira.png")
LONG = actor(5, "an_extraordinarily_long_user_name", "שלום — Людмила Вячеславовна Extraordinarily-Longname 🌲🌲🌲", "a-rather-long-host-name.subdomain.fediverse.example")
NAMELESS = actor(6, "k", "")
MEMBER = Member(
    id=1, actor_id=1, email="anna@nordlicht.example", role="admin", language="", theme="auto", is_informal=False,
    default_audience="members", created_at=NOW, notifications_read_id=2, actor=ANNA,
)  # fmt: skip


def post(number: int, author: Actor, html: str, audience: str = "members", minutes: int = 20, **values: Any) -> Post:
    return Post(
        id=number, uri=f"{author.uri}/posts/{number}", url=f"{author.uri}/posts/{number}", author_id=author.id, author=author,
        is_local=not author.host, kind="Note", audience=audience, in_reply_to_uri=values.pop("answers", None),
        in_reply_to_id=values.pop("answers_id", None), thread_id=number, title=values.pop("title", ""), source="", content_html=html,
        summary=values.pop("summary", ""), is_sensitive=False, language=values.pop("language", "en"), published_at=NOW - timedelta(minutes=minutes),
        received_at=NOW, edited_at=values.pop("edited_at", None), likes_count=values.pop("likes", 0), boosts_count=values.pop("boosts", 0),
        replies_count=values.pop("replies", 0), poll=values.pop("poll", None), event=None, mentions=values.pop("mentions", []),
        hashtags=[], attachments=values.pop("attachments", []), options=values.pop("options", []), **values,
    )  # fmt: skip


POSTS = [
    post(11, JONAS, "<p>The controller firmware is on the test bench since this morning. Two units restart after an hour; we look at it "
         "tomorrow with the supplier. Nothing for customers yet, please.</p>", replies=3, likes=4),
    post(12, ANNA, "<p>We open the workshop on <b>5 December</b>: see how a heat pump is taken apart, and put together again. Everybody is "
         "welcome, whether you have one or not.</p><ul><li>10:00 the compressor</li><li>13:00 soup</li><li>14:00 your questions</li></ul>",
         "public", 95, likes=31, boosts=12, replies=8, title="Workshop day", edited_at=NOW),
    post(13, REMOTE, '<p><span class="h-card"><a href="https://nordlicht.example/users/anna" class="u-url mention">@<span>anna</span></a></span> '
         "will the old series get the update as well? We have forty of them in the field.</p>", "public", 130, answers="x", answers_id=12, likes=2,
         attachments=[Attachment(id=1, kind="image", url="https://machines.example/a.png", description="A cellar with four old units", width=180, height=180), Attachment(id=2, kind="video", url="https://machines.example/a.mp4", description="Four minutes of humming")]),
    post(14, FATIMA, "<p>Draft of the statement about the recall, only for our partners until Monday. "
         "Bitte nicht weitergeben.</p>", "partners", 60 * 26, language="de", summary="Recall, internal figures"),
    post(15, LONG, "<p>https://a-rather-long-host-name.subdomain.fediverse.example/with/a/very/long/path/that/never/ends/and/has/no/spaces/in/it/at/all/whatsoever.html</p>"
         "<blockquote><p>A quotation.</p></blockquote><pre><code>if warm then rest() else run(); -- a line of code that is long enough to scroll sideways on a phone</code></pre>", "followers", 60 * 24 * 9),
    post(16, NAMELESS, "<p>Which day suits you?</p>", "members", 60 * 24 * 40, poll={"multiple": False, "closed": False},
         options=[PollOption(id=1, name="Tuesday", votes_count=7, position=0), PollOption(id=2, name="Thursday, but only if the canteen is open", votes_count=12, position=1)]),
    post(17, ANNA, "<p>@mira thank you, I will ask and come back to you.</p>", "direct", 3, mentions=[Mention(actor_id=4, actor=REMOTE)]),
    post(18, JONAS, "<p>What shall we cook?</p>", "members", 4, poll={"multiple": False, "closed": False, "closes_at": "2099-05-05T14:30:12+00:00"},
         options=[PollOption(id=3, name="Soup", votes_count=0, position=0), PollOption(id=4, name="Dumplings, with a sauce that takes the whole afternoon and needs somebody who stirs", votes_count=0, position=1)]),
]  # fmt: skip
LINES = [SimpleNamespace(entry_id=item.id, post=item, boosted_by=JONAS if item.id == 13 else None) for item in POSTS]
MARKS: dict[int, Any] = defaultdict(lambda: NO_MARKS)
MARKS[11] = SimpleNamespace(liked=True, boosted=False, bookmarked=True, pinned=False, voted=False, answers=3)
MARKS[16] = SimpleNamespace(liked=False, boosted=False, bookmarked=False, pinned=False, voted=(1,), answers=0)


def relation(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"following": "none", "followed_by": False, "blocking": False, "muting": False, "requested_by": False} | values)


def draft(**values: Any) -> SimpleNamespace:
    empty = {"text": "", "audience": "members", "summary": "", "title": "", "language": "en", "is_sensitive": False, "poll_options": "", "poll_is_multiple": False, "poll_lasts": "86400", "reply_id": None, "key": "", "errors": {}}
    return SimpleNamespace(**empty | values)


def pages(reach: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return {name: (template, values)}; `reach(audience, inside, followers, servers, named)` makes the composer's sentences."""
    reaches = [
        ("members", reach("members", 14, 0, 0), False), ("direct", reach("direct", 0, 0, 0), False),
        ("partners", reach("partners", 14, 120, 2), True), ("followers", reach("followers", 9, 1240, 3), True),
        ("unlisted", reach("unlisted", 14, 1240, 3), True), ("public", reach("public", 14, 1240, 3), True),
    ]  # fmt: skip
    writing = {"draft": draft(), "reaches": reaches, "languages": [("de", "Deutsch"), ("en", "English")], "poll_lasts": [("3600", "1 hour"), ("86400", "1 day")]}
    wrong = draft(text="A line that is kept although something was wrong. " * 4, audience="public", errors={"text": "This is 312 characters too long."})
    replies = {"replies": [POSTS[0], POSTS[2], POSTS[6], POSTS[4]], "depths": {11: 1, 13: 2, 17: 3, 15: 1}, "replies_count": 4}
    everybody = [ANNA, JONAS, FATIMA, REMOTE, LONG, NAMELESS]
    kinds = ("follow_request", "mention", "like", "boost", "follow", "delivery_failed")
    events = [
        Notification(id=9 - n, kind=kind, created_at=NOW - timedelta(hours=n * n), from_actor=None if kind == "delivery_failed" else everybody[-1 - n],
                     post=POSTS[n] if kind in ("mention", "like", "boost", "delivery_failed") else None)
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    deliveries = [
        SimpleNamespace(id=1, may_resend=False, host="machines.example", what="the post", state="arrived", tone="good", reason="202", moment=NOW),
        SimpleNamespace(id=2, may_resend=False, host=LONG.host, what="the post", state="on its way", tone="waiting", reason="503, next try in 2 hours", moment=NOW),
        SimpleNamespace(id=3, may_resend=True, host="gone.example", what="the edit", state="not delivered", tone="bad", reason="The server says that this inbox is gone (410).", moment=NOW),
    ]
    sessions = [
        LoginSession(id=1, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0", address="192.0.2.7", seen_at=NOW),
        LoginSession(id=2, user_agent="Mozilla/5.0 (iPhone) Safari/605", address="2001:db8::7", seen_at=NOW - timedelta(days=3)),
    ]
    invitation = {"note": "Good that you are coming, Jonas.", "errors": {}, "form": SimpleNamespace(name="", display_name="", email="", language="de")}
    stream = {"lines": LINES, "marks": MARKS, "newer": "", "older": "?older=1"}
    void = {"lines": [], "marks": MARKS, "newer": "", "older": ""}
    void_words = {"empty_icon": "inside", "empty_title": "Nothing yet", "empty_words": "Nobody has said anything."}
    profile = {"pinned": [], "role": "", "with_replies": False, "posts_count": 48, "relation": relation(), **stream}
    people = {"people": everybody, "relations": {n: relation() for n in range(2, 7)} | {4: relation(following="pending")}, "older": "?older=1", "is_requests": False, "back": "/", "back_words": "Back"}
    return {
        "home": ("web/home.html", stream | writing),
        "home-empty": ("web/home.html", void | writing),
        "inside": ("web/timeline.html", stream | {"heading": "Inside", "words": "Everything said here that everybody inside may see.", "here": "inside"}),
        "inside-empty": ("web/timeline.html", void | void_words | {"heading": "Inside", "words": "", "here": "inside"}),
        "thread": ("web/thread.html", writing | replies | {"post": POSTS[1], "ancestors": [], "marks": MARKS, "has_more": True}),
        "thread-public": ("web/thread.html", replies | {"post": POSTS[1], "ancestors": [], "marks": MARKS, "visitor": None, "draft": None}),
        "write-error": ("web/write.html", writing | {"draft": wrong, "heading": "Write", "words": "What do you want to say?", "action": "/write", "parent": None, "marks": MARKS,
                        "preview": SimpleNamespace(html="<p>A line that is kept.</p>", sentence=reach("public", 14, 1240, 3), servers=[SimpleNamespace(host="machines.example", words="12 followers · Mastodon")])}),
        "write-poll": ("web/write.html", writing | {"draft": draft(text="Which day?", poll_options="Tuesday", errors={"poll": "A poll has 2 to 16 different options."}), "heading": "Write", "words": "What do you want to say?", "action": "/write", "parent": None, "marks": MARKS,
                       "preview": SimpleNamespace(html="<p>Which day?</p>", poll=SimpleNamespace(options=("Tuesday", "Thursday"), is_multiple=True), lasts="1 day", sentence=reach("members", 14, 0, 0), servers=[])}),
        "reply": ("web/write.html", writing | {"draft": draft(reply_id=13, audience="public", text="@mira@machines.example "), "heading": "Answer", "words": "Your answer", "action": "/write", "parent": POSTS[2], "marks": MARKS, "preview": None}),
        "edit": ("web/edit.html", {"post": POSTS[1], "draft": draft(text="We open the workshop on **5 December**.", title="Workshop day")}),
        "delete": ("web/delete.html", {"post": POSTS[1], "marks": NO_MARKS, "servers": 3}),
        "history": ("web/history.html", {"post": POSTS[1], "versions": [PostVersion(id=n, content_html=POSTS[1].content_html, created_at=NOW, title="Workshop", summary="") for n in (2, 1)]}),
        "deliveries": ("web/deliveries.html", {"post": POSTS[1], "lines": deliveries, "summary": "1 of 3 servers have it."}),
        "profile": ("web/profile.html", profile | {"actor": JONAS, "relation": relation(following="pending", followed_by=True)}),
        "profile-own": ("web/profile.html", profile | {"actor": ANNA, "role": "admin", "pinned": [POSTS[1]]}),
        "profile-remote": ("web/profile.html", profile | {"actor": LONG, "relation": relation(requested_by=True)}),
        "profile-public": ("web/profile.html", profile | {"actor": ANNA, "visitor": None, "relation": None}),
        "followers": ("web/people.html", people | {"heading": "Followers of Anna Lindqvist"}),
        "requests": ("web/people.html", people | {"heading": "People who ask to follow you", "is_requests": True}),
        "search": ("web/search.html", {"text": "mira", "people": everybody, "relations": people["relations"], "post": None, "problem": "", "problem_kind": "", "may_ask": False, "older": "?after=x", "marks": MARKS}),
        "search-ask": ("web/search.html", {"text": "@mira@unknown.example", "people": [], "relations": {}, "post": None, "problem": "", "may_ask": True, "marks": MARKS}),
        "notifications": ("web/notifications.html", {"events": events, "read_id": 6, "newest_id": 9, "requests_count": 2, "older": ""}),
        "notifications-empty": ("web/notifications.html", {"events": [], "read_id": 0, "newest_id": 0, "requests_count": 0, "older": ""}),
        "block": ("web/block.html", {"actor": REMOTE}),
        "remote-follow": ("web/remote_follow.html", {"actor": ANNA, "visitor": None, "address": "anna", "error": "An address looks like @you@example.social."}),
        "about": ("web/about.html", {"visitor": None, "version": "0.1"}),
        "settings-profile": ("web/settings/profile.html", {"part": "profile", "errors": {"name": "A name is needed."}, "form": SimpleNamespace(name="", summary="Product lead", fields=[["Place", "Kiel"], ["", ""], ["", ""], ["", ""]], is_locked=True, is_discoverable=False, is_indexable=False)}),
        "settings-reading": ("web/settings/reading.html", {"part": "reading", "errors": {}, "form": SimpleNamespace(language="", address="formal", theme="auto")}),
        "settings-posting": ("web/settings/posting.html", {"part": "posting", "errors": {}, "audiences": [(key, key) for key in AUDIENCES], "form": SimpleNamespace(audience="members")}),
        "settings-account": ("web/settings/account.html", {"part": "account", "errors": {}, "sessions": sessions, "session_id": 1, "apps": [SimpleNamespace(id=1, name="Tusky", website="https://tusky.example")]}),
        "spaces": ("web/spaces.html", {"spaces": [(SimpleNamespace(id=1, name="lab", title="The lab", purpose="Trying out what might break."), 7)], "mine": {1}, "may_make": True, "errors": {"name": "There is a space of this name already."}, "form": SimpleNamespace(name="lab", title="Lab", purpose="")}),
        "space": ("web/space.html", writing | stream | {"space": SimpleNamespace(id=1, name="lab", title="The lab", purpose="Trying out."), "is_in": True, "is_later_page": False, "people": [SimpleNamespace(actor=JONAS)], "reaches": [("space", reach("space", 6, 0, 0), False)], "draft": draft(audience="space")}),
        "sign-in": ("web/sign_in.html", {"visitor": None, "problem": "That is not right. What you typed was kept.", "login": "anna", "next": ""}),
        "invitation": ("web/invitation.html", {"visitor": None, "problem": ""} | invitation),
        "invitation-spent": ("web/invitation_spent.html", {"visitor": None}),
        "error-404": ("errors/error.html", {"title": "Not here", "sign": "search", "happened": "There is nothing at this address, or it is not for you.", "kept": "", "advice": "Go back, or look it up.", "status": 404, "typed": "", "has_house": True}),
        "error-503": ("errors/error.html", {"title": "One moment", "sign": "clock", "happened": "The house is not ready.", "kept": "What you typed is below.", "advice": "Try again in a minute.", "status": 503, "typed": "My words"}),
    }  # fmt: skip
