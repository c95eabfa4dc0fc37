"""The words of the house for its own terms: audiences, modes, events, delivery states. Translated at the moment of reading."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Flask
from flask_babel import format_number, ngettext
from flask_babel import gettext as _

from node.policy.words import sentence


def audience_name(audience: str) -> str:
    """Return what an audience is called on a badge and in the composer."""
    return {
        "direct": _("Only those named"),
        "space": _("This space"),
        "members": _("Inside"),
        "partners": _("Partners"),
        "followers": _("Followers"),
        "unlisted": _("Public, quietly"),
        "public": _("Public"),
    }.get(audience, audience)


def audience_explanation(audience: str) -> str:
    """Return one sentence that says who sees a post for this audience."""
    return {
        "direct": _("Only the people it names, here or elsewhere, see it."),
        "space": _("Only the members of this space see it. It never leaves."),
        "members": _("Everybody with a login here sees it. It never leaves."),
        "partners": _("Members see it, and followers on servers we have an agreement with."),
        "followers": _("Only followers see it, here and on every server the gate lets it go to."),
        "unlisted": _("Anybody may read it; it is not listed in what is public."),
        "public": _("Anybody may read it, here and on every server the gate lets it go to."),
    }.get(audience, "")


def mode_name(mode: str) -> str:
    """Return what a node mode is called."""
    return {"closed": _("Closed"), "selective": _("Selective"), "open": _("Open")}.get(mode, mode)


def mode_explanation(mode: str) -> str:
    """Return what a node mode means for what leaves and what enters."""
    return {
        "closed": _("Nothing leaves and nothing comes in. Everything said here stays here."),
        "selective": _("Only servers that were let in exchange posts with this place. Others wait until somebody decides."),
        "open": _("Every server may exchange posts with this place, except those that were shut out."),
    }.get(mode, "")


def event_words(kind: str) -> str:
    """Return what somebody did, to stand after their name."""
    return {
        "mention": _("mentioned you"),
        "reply": _("answered you"),
        "like": _("likes your post"),
        "boost": _("passed your post on"),
        "follow": _("follows you now"),
        "follow_request": _("asks to follow you"),
        "follow_accepted": _("lets you follow"),
        "poll": _("A poll you took part in has ended"),
        "edit": _("changed a post you passed on"),
        "delivery_failed": _("Your post did not reach every server"),
        "report": _("A report needs somebody to look at it"),
    }.get(kind, kind)


def delivery_words(state: str) -> tuple[str, str]:
    """Return (words, tone) for the state of a delivery; tone is '', 'good', 'bad' or 'waiting'."""
    return {
        "waiting": (_("on its way"), "waiting"),
        "delivered": (_("arrived"), "good"),
        "failed": (_("not delivered"), "bad"),
        "cancelled": (_("overtaken"), ""),
        "withheld": (_("kept back by the gate"), ""),
        "held": (_("held until somebody has looked"), "waiting"),
    }.get(state, (state, ""))


def holder_words(state: str, is_deleted: bool) -> tuple[str, str]:
    """Return (words, tone) for what a server has of a post, by the ledger."""
    if is_deleted:
        return _("told to delete it"), "good"
    return {
        "taken": (_("has it"), "outside"),
        "refused": (_("read and refused it"), ""),
        "unknown": (_("may have it"), "waiting"),
    }.get(state, (state, ""))


def rules_words(reasons: Iterable[dict[str, str]]) -> str:
    """Return why the gate let it go, in words."""
    return " ".join(_(text, **values) for text, values in map(sentence, reasons))


def activity_words(kind: str) -> str:
    """Return what an activity of ours told the other server."""
    return {
        "Create": _("the post"),
        "Update": _("the edit"),
        "Delete": _("the deletion"),
        "Announce": _("that it was passed on"),
    }.get(kind, kind)


def reach_sentence(audience: str, inside: int, followers: int, servers: int, named: int = 0) -> str:
    """Return the bar over the composer: who will see this, in numbers.

    `inside`: people here; `followers`: people beyond the wall on `servers` servers; `named`: people the text names.
    """
    if audience == "direct":
        return _reach_named(inside, servers, named)
    if audience in ("members", "space"):
        return _reach_inside(audience, inside)
    within = _members(inside)
    beyond = ngettext("%(count)s follower", "%(count)s followers", followers, count=format_number(followers))
    there = _servers(servers)
    if audience in ("public", "unlisted"):
        if not servers and not inside:
            return _("Anybody who visits will see this. It is sent to no other server at present.")
        if not servers:
            return _(
                "%(members)s and anybody who visits will see this. It is sent to no other server at present.", members=within
            )
        if not inside:
            return _("%(followers)s on %(servers)s, and anybody who visits will see this.", followers=beyond, servers=there)
        return _(
            "%(members)s, %(followers)s on %(servers)s, and anybody who visits will see this.",
            members=within,
            followers=beyond,
            servers=there,
        )
    if not servers and not inside:
        return _("For now only you see this: there is nobody yet to whom it would go.")
    if not servers:
        return _("%(members)s will see this. Nobody beyond the wall does at present.", members=within)
    if not inside:
        return _("%(followers)s on %(servers)s will see this. Nobody inside does at present.", followers=beyond, servers=there)
    return _("%(members)s, and %(followers)s on %(servers)s will see this.", members=within, followers=beyond, servers=there)


def _reach_named(inside: int, servers: int, named: int) -> str:
    if not named:
        return _("Only the people you name with @ will see this. You have not named anybody yet.")
    if not servers and not inside:
        return _("Nobody will see this: it is not let through to the server of anybody you name.")
    if not servers:
        return ngettext(
            "Only the %(num)s person you name will see this, inside.",
            "Only the %(num)s people you name will see this, all inside.",
            inside,
        )
    return _(
        "Only the people you name will see this (%(named)s); it goes to %(servers)s.", named=named, servers=_servers(servers)
    )


def _reach_inside(audience: str, inside: int) -> str:
    if inside:
        return _("%(members)s will see this. It stays inside.", members=_members(inside))
    if audience == "space":
        return _("Nobody else is in this space yet. It stays inside.")
    return _("Nobody else is here yet. It stays inside.")


def _members(number: int) -> str:
    return ngettext("%(count)s member", "%(count)s members", number, count=format_number(number))


def _servers(number: int) -> str:
    return ngettext("%(count)s server", "%(count)s servers", number, count=format_number(number))


def browser_name(user_agent: str) -> str:
    """Return 'Firefox on Linux' for a User-Agent header; a guess, for telling one's own browsers apart."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("An unknown browser")


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def init_app(app: Flask) -> None:
    """Give Jinja the words that templates ask for by name."""
    functions = (audience_name, audience_explanation, mode_name, mode_explanation, event_words, browser_name)
    app.jinja_env.globals.update({function.__name__: function for function in functions})
