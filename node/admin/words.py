"""The administration's words for states, effects, reasons and acts, in the reader's language. Nothing here decides or queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from node.actions.terms import TermsImpact
from node.errors import ActionError, GateRefused
from node.policy import Reason
from node.policy.words import sentence
from node.queries.peers import Impact


def explain(error: ActionError) -> str:
    """Return an action's refusal in words, with the gate's reasons when it was the gate."""
    text = _(error.text, **error.values) if error.values else _(error.text)
    reasons = map(reason_words, error.reasons) if isinstance(error, GateRefused) else ()
    return " ".join([text, *reasons])


def reason_words(reason: Reason | Mapping[str, str]) -> str:
    """Return one reason of the gate, or one kept in a refusal."""
    text, values = sentence(reason)  # type: ignore[arg-type]
    return str(_(text, **values))


def reasons_words(reasons: Iterable[Reason | Mapping[str, str]]) -> list[str]:
    """Return each reason once, in order."""
    return list(dict.fromkeys(reason_words(reason) for reason in reasons))


def peer_state(state: str) -> tuple[str, str]:
    """Return (words, tone) for what was decided about a server; '' is no decision."""
    return {
        "partner": (_("Partner"), "good"),
        "allowed": (_("Allowed"), "good"),
        "limited": (_("Limited"), ""),
        "blocked": (_("Blocked"), "bad"),
        "waiting": (_("Waiting"), "waiting"),
    }.get(state, (_("Not decided"), ""))


def peer_meaning(state: str) -> str:
    """Return one sentence that says what a state means from then on."""
    return {
        "partner": _("Exchanges everything with us, posts for partners included."),
        "allowed": _("May follow and be followed, and exchanges posts with us, except those for partners."),
        "limited": _(
            "Gets public posts only. What it sends stays out of the shared timelines; its people's followers still see it."
        ),
        "blocked": _(
            "Nothing passes, in either direction. Its people and posts are not shown here. Its subdomains are blocked with it."
        ),
        "waiting": _("What it asks for is kept in the lobby. Nothing of it is shown, nothing is sent."),
    }.get(state, _("Nobody has decided yet: the federation mode says what happens."))


def peer_verb(state: str) -> str:
    """Return the button that puts a server into a state."""
    return {
        "partner": _("Make a partner"),
        "allowed": _("Let in"),
        "limited": _("Limit"),
        "blocked": _("Block"),
        "waiting": _("Let wait"),
    }[state]


def impact_words(impact: Impact) -> list[str]:
    """Return what a decision would change, one sentence for each number that is not zero."""
    sentences = (
        (
            impact.followers_lost,
            ngettext(
                "%(num)s person there follows somebody here and no longer gets anything.",
                "%(num)s people there follow somebody here and no longer get anything.",
                impact.followers_lost,
            ),
        ),
        (
            impact.follows_lost,
            ngettext(
                "%(num)s follow by a member here no longer brings anything.",
                "%(num)s follows by members here no longer bring anything.",
                impact.follows_lost,
            ),
        ),
        (
            impact.posts_hidden,
            ngettext(
                "%(num)s post is no longer in the shared timelines.",
                "%(num)s posts are no longer in the shared timelines.",
                impact.posts_hidden,
            ),
        ),
        (
            impact.deliveries_withheld,
            ngettext(
                "%(num)s delivery that waits is not sent.",
                "%(num)s deliveries that wait are not sent.",
                impact.deliveries_withheld,
            ),
        ),
        (
            impact.receipts_released,
            ngettext(
                "%(num)s thing kept in the lobby takes effect at once.",
                "%(num)s things kept in the lobby take effect at once.",
                impact.receipts_released,
            ),
        ),
        (
            impact.receipts_refused,
            ngettext(
                "%(num)s thing kept in the lobby is turned away for good.",
                "%(num)s things kept in the lobby are turned away for good.",
                impact.receipts_refused,
            ),
        ),
    )
    return [text for number, text in sentences if number]


def terms_words(stops: TermsImpact) -> list[str]:
    """Return what new terms would stop, one sentence for each number that is not zero."""
    sentences = (
        (
            stops.withheld,
            ngettext("%(num)s delivery that waits is not sent.", "%(num)s deliveries that wait are not sent.", stops.withheld),
        ),
        (
            stops.unsent,
            ngettext(
                "Of the last 30 days, %(num)s delivery would not have gone there.",
                "Of the last 30 days, %(num)s deliveries would not have gone there.",
                stops.unsent,
            ),
        ),
        (
            stops.unaccepted,
            ngettext(
                "Of the last 30 days, %(num)s thing from there would not have come in.",
                "Of the last 30 days, %(num)s things from there would not have come in.",
                stops.unaccepted,
            ),
        ),
        (
            stops.files_hidden,
            ngettext(
                "%(num)s picture or file from there is no longer shown.",
                "%(num)s pictures and files from there are no longer shown.",
                stops.files_hidden,
            ),
        ),
    )
    return [text for number, text in sentences if number]


def role_name(role: str) -> str:
    """Return what a role is called."""
    return {"member": _("Member"), "moderator": _("Moderator"), "admin": _("Admin")}.get(role, role)


def role_meaning(role: str) -> str:
    """Return what a role may do here."""
    return {
        "member": _("Reads and writes. Sees nothing of the administration."),
        "moderator": _("Also looks after reports, and sees the lobby and what was turned away."),
        "admin": _("Decides everything: members, servers, mode and settings."),
    }.get(role, "")


def role_options(roles: Iterable[str], with_all: bool = True) -> list[tuple[str, str]]:
    """Return (value, words) for a choice among roles, with `with_all` also among none."""
    return [*([("", _("All roles"))] if with_all else []), *((role, role_name(role)) for role in roles)]


def delivery_state(state: str) -> tuple[str, str]:
    """Return (words, tone) for the state of a delivery."""
    return {
        "waiting": (_("Waiting"), "waiting"),
        "delivered": (_("Delivered"), "good"),
        "failed": (_("Failed"), "bad"),
        "cancelled": (_("Cancelled"), ""),
        "withheld": (_("Kept back by the gate"), ""),
        "held": (_("Held by a content rule"), "waiting"),
    }.get(state, (state, ""))


def receipt_state(state: str) -> tuple[str, str]:
    """Return (words, tone) for the state of something that arrived."""
    return {
        "new": (_("To do"), "waiting"),
        "fetching": (_("Something must be fetched first"), "waiting"),
        "held": (_("In the lobby"), "waiting"),
        "parked": (_("Given up"), "bad"),
        "done": (_("Done"), "good"),
        "ignored": (_("Nothing to do"), ""),
        "refused": (_("Turned away"), ""),
    }.get(state, (state, ""))


def verdict(value: str) -> tuple[str, str]:
    """Return (words, tone) for what the gate says."""
    return {
        "send": (_("Sent"), "good"),
        "accept": (_("Accepted"), "good"),
        "hold": (_("Kept in the lobby"), "waiting"),
        "withhold": (_("Kept back"), "bad"),
        "refuse": (_("Turned away"), "bad"),
    }.get(value, (value, ""))


def activity_kind(kind: str) -> str:
    """Return what a type of activity is called, with its own name for those who know it."""
    known = {
        "Follow": _("a follow"),
        "Create": _("a post"),
        "Update": _("an edit"),
        "Delete": _("a deletion"),
        "Announce": _("a boost"),
        "Like": _("a like"),
        "Undo": _("something taken back"),
        "Accept": _("an acceptance"),
        "Reject": _("a rejection"),
        "Flag": _("a report"),
        "Block": _("a block"),
        "Move": _("a move to another server"),
        "Add": _("a post to pin"),
        "Remove": _("a post to unpin"),
        "Read": _("reading"),
    }
    return f"{known[kind]} ({kind})" if kind in known else kind


def deed(verb: str) -> str:
    """Return an audit entry's verb in words."""
    return {
        "member.create": _("made a member"),
        "member.suspend": _("suspended a member"),
        "member.restore": _("let a member in again"),
        "member.role": _("changed a role"),
        "member.remove": _("removed a member"),
        "member.password": _("set a password"),
        "invitation.create": _("invited somebody"),
        "invitation.revoke": _("took an invitation back"),
        "peer.partner": _("made a server a partner"),
        "peer.allowed": _("let a server in"),
        "peer.limited": _("limited a server"),
        "peer.blocked": _("blocked a server"),
        "peer.waiting": _("let a server wait"),
        "peer.forget": _("forgot a decision about a server"),
        "peer.import_csv": _("took over a list of blocks"),
        "peer.import_json": _("took over a list of decisions"),
        "peer.refuse_lobby": _("turned away what waited in the lobby"),
        "node.mode": _("changed the federation mode"),
        "node.settings": _("changed settings"),
        "rule.add": _("made a content rule"),
        "rule.remove": _("removed a content rule"),
        "rule.let_go": _("let a held post go"),
        "brake.on": _("pulled the brake"),
        "brake.off": _("released the brake"),
        "brake.pass": _("let a post pass the brake"),
        "delivery.resend": _("sent a delivery again"),
        "delivery.retry": _("had a server tried again"),
        "receipt.retry": _("had something that arrived tried again"),
        "report.close": _("closed a report"),
        "report.reopen": _("opened a report again"),
    }.get(verb, verb)


def brake_target(scope: str, subject: str) -> str:
    """Return what a brake stops."""
    return {
        "node": _("everything"),
        "actor": _("what %(name)s sends", name=subject),
        "space": _("what is said in “%(name)s”", name=subject),
        "peer": _("what goes to %(name)s", name=subject),
    }.get(scope, subject)


def details_words(details: Mapping[str, Any]) -> str:
    """Return what an audit entry says besides, in one line; words of ours for states, roles and modes."""
    names = {"before": _("before"), "after": _("after"), "role": _("role"), "host": _("server"), "hosts": _("servers")}
    names |= {"terms": _("terms"), "released": _("released"), "refused": _("turned away"), "withheld": _("not sent")}
    names |= {"kept": _("left as they were"), "lanes": _("inboxes"), "scope": _("what stops"), "why": _("why")}

    def shown(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(str(one) for one in value[:5]) + (" …" if len(value) > 5 else "")
        return _term(value) if isinstance(value, str) else str(value)

    said = {key: value for key, value in details.items() if value not in (None, "", [], False)}
    return "; ".join(f"{names.get(key, key)}: {shown(value)}" for key, value in said.items())


def subject_words(verb: str, subject: str) -> str:
    """Return what an act was done to, as far as that says something to a reader: the ids of rows do not."""
    if subject.isdigit() and not verb.startswith("peer."):
        return ""
    return _term(subject) if verb == "node.mode" else subject


def _term(value: str) -> str:
    """Return a role, state or mode in words, anything else as it is."""
    if value in ("member", "moderator", "admin"):
        return role_name(value)
    if value in ("partner", "allowed", "limited", "blocked", "waiting"):
        return peer_state(value)[0]
    return {"closed": _("Closed"), "selective": _("Selective"), "open": _("Open")}.get(value, value)


def skipped(reason: str) -> str:
    """Return why a row of an imported list was left out."""
    return {
        "obfuscated": _("the name is hidden by asterisks"),
        "bad_host": _("not the name of a server"),
        "severity": _("asks for nothing that we do"),
        "own_host": _("this node itself"),
        "bad_row": _("cannot be read"),
    }.get(reason, reason)


def queue_name(name: str) -> str:
    """Return what a queue of the workers is for."""
    return {
        "outbound": _("Sending"),
        "inbound": _("Receiving"),
        "fetch": _("Fetching"),
        "housekeeping": _("Tidying up"),
    }.get(name, name)


def errand_kind(kind: str) -> str:
    """Return what an errand is to fetch or to do; the kinds are `node.jobs.tasks.KINDS`."""
    return {
        "post": _("posts"),
        "actor": _("profiles"),
        "nodeinfo": _("what servers run on"),
        "featured": _("pinned posts"),
        "replies": _("answers"),
        "again": _("posts to be checked once more"),
        "poll": _("poll results to be told"),
        "poll_end": _("polls to be closed"),
    }.get(kind, kind)


FOR_TEMPLATES: Mapping[str, Any] = {
    function.__name__: function
    for function in (
        peer_state, peer_meaning, peer_verb, impact_words, role_name, role_meaning, role_options, delivery_state, receipt_state,
        terms_words, verdict, activity_kind, deed, queue_name, errand_kind, reasons_words, details_words, subject_words, skipped,
        brake_target,
    )
}  # fmt: skip
