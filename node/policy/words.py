"""Reasons in words. English sentences as message ids; the door that shows them translates."""

from __future__ import annotations

from node.policy.decisions import Reason


def N_(message: str) -> str:
    """Mark a message for the translators' catalogue."""
    return message


SENTENCES = {
    "node_closed": N_("The node is closed: nothing passes in or out."),
    "audience_stays_inside": N_("Posts for “%(subject)s” never leave this node."),
    "peer_blocked": N_("%(subject)s is blocked."),
    "agreement_expired": N_("The agreement with %(subject)s has expired."),
    "open_mode": N_("The node is open to every server that is not blocked."),
    "waits_in_lobby": N_("%(subject)s is not known yet and waits in the lobby for an admin."),
    "peer_not_let_in": N_("%(subject)s has not been let in."),
    "peer_is_partner": N_("%(subject)s is a partner."),
    "peer_is_allowed": N_("%(subject)s is allowed."),
    "peer_is_limited": N_("%(subject)s is limited: it gets public posts only, and its posts stay out of shared timelines."),
    "type_not_sent": N_("Activities of type %(subject)s are not sent there."),
    "type_not_accepted": N_("Activities of type %(subject)s are not accepted from there."),
    "reports_not_accepted": N_("Reports from %(subject)s are not accepted."),
    "no_agreement": N_("%(subject)s is not a partner: posts for partners go to partners alone."),
    "peer_limited": N_("%(subject)s is limited and gets public posts only."),
    "audience_too_wide": N_("Only posts up to “%(subject)s” are exchanged with this server."),
    "content_rule_holds": N_("A rule of this node holds it until somebody has looked: %(subject)s"),
    "content_rule_withholds": N_("A rule of this node keeps it back: %(subject)s"),
    "brake_is_on": N_("The brake is on: nothing is sent until it is released."),
    "brake_on_actor": N_("The brake is on for %(subject)s: nothing of theirs is sent until it is released."),
    "brake_on_space": N_("The brake is on for the space “%(subject)s”: nothing from it is sent until it is released."),
    "brake_on_peer": N_("The brake is on for %(subject)s: nothing is sent there until it is released."),
    "public_to_anyone": N_("Anybody may read this."),
    "not_for_strangers": N_("Only readers who prove who they are may read this."),
}


def sentence(reason: Reason | dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return (message id, values) for a reason, or for one as stored with `Reason.as_json`."""
    code, subject = (reason.code, reason.subject) if isinstance(reason, Reason) else (reason["code"], reason.get("subject", ""))
    return SENTENCES.get(code, code), {"subject": subject}
