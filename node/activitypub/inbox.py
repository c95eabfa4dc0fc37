"""POST to an inbox, from its first byte to its 202.

1 size and media type, 2 the signature's form (`parse_signature`), 3 JSON and shape, 4 the gate's word on this host, 5 the
key and the proof (`signers`), 6 authority: who may say this, 7 kept (`arrivals`). What it does is `node.actions.receive`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import Response, current_app, request

from federation.activities import Activity, read_activity, require_own
from federation.document import parse
from federation.errors import KeyGone, NotAuthorized, SignatureRefused
from federation.origins import host_of
from federation.signatures import parse_signature
from federation.vocabulary import ACTOR_TYPES
from node.actions import errands, inbox
from node.actions.inbox import Arrival, Turned
from node.activitypub import blueprint
from node.activitypub.arrivals import Arrivals
from node.activitypub.problems import GateRefusal, NotThere, problem
from node.activitypub.requests import message_of, read_body
from node.activitypub.signers import KeyRing, Memory, Signer
from node.database import db, transaction
from node.policy import Decision, Direction, Facts, Mode, Reason, Rules, Verdict, decide
from node.queries import hearsay, published
from node.runtime import Node, current_node
from node.uris import is_ours

MOST_TRACES = 60
"""Refusals traced in a minute by one process."""


@blueprint.post("/inbox")
@blueprint.post("/actor/inbox")
def shared_inbox() -> Response:
    """Take an activity for anybody here."""
    return _receive(current_node(), 0)


@blueprint.post("/users/<name>/inbox")
def personal_inbox(name: str) -> Response:
    """Take an activity for one member."""
    node = current_node()
    owner = published.local_actor(db.session(), name)
    if owner is None or owner.deleted_at is not None:
        raise NotThere
    return _receive(node, owner.id)


def _receive(node: Node, inbox_owner: int) -> Response:
    now = node.now()
    rules = node.recent_rules()
    if rules.mode is Mode.CLOSED:
        raise GateRefusal(_closed(rules), "")
    body = read_body(request)
    parameters = parse_signature(message_of(request, node.settings.origin, body), now=now)
    activity = read_activity(parse(body))
    if is_ours(activity.actor, node.settings.origin):
        raise NotAuthorized("that actor is ours", code="actor_is_ours")
    key_host = host_of(parameters.key_url())
    host = host_of(activity.actor)
    decision = _ask_gate(node, rules, activity, host, inbox_owner, now)
    by_key = _ask_gate(node, rules, activity, key_host, inbox_owner, now) if key_host != host else decision
    if _is_farewell_of_a_stranger(activity):
        return _taken()
    try:
        signer = _key_ring().identify(node, parameters, now)
    except KeyGone as error:
        if activity.type == "Delete" and activity.object_uri == activity.actor:
            return _taken()  # S18: an account that is gone says so; we never knew it
        raise SignatureRefused("the key is gone", code="key_gone") from error
    if activity.actor != signer.uri and decision.is_yes and by_key.is_yes and not signer.is_suspended:
        _read_at_source(node, activity, now)
    _check_authority(node, activity, signer)
    if decision.verdict is Verdict.HOLD and not inbox.lobby_has_room(db.session(), host):
        return problem(429, "lobby_full", "Too much from your server waits for our admins already.", retry_after=86_400)
    db.session.rollback()
    _arrivals().keep(Arrival(signer.verified, activity, body, host, inbox_owner, decision, signer.algorithm), now)
    return _taken()


def _ask_gate(node: Node, rules: Rules, activity: Activity, host: str, inbox_owner: int, now: datetime) -> Decision:
    facts = Facts(
        Direction.IN, host, activity.type, now, actor=activity.actor,
        is_addressed_here=bool(inbox_owner) or _names_ours(activity, node.settings.origin),
    )  # fmt: skip
    decision = decide(facts, rules)
    if decision.verdict is Verdict.REFUSE:
        if _is_worth_noting(f"{host} {activity.type}", now):
            _arrivals().note(Turned(host, activity.type[:32], activity.actor, activity.object_uri or "", decision), now)
        raise GateRefusal(decision, host)
    return decision


def _is_worth_noting(what: str, now: datetime) -> bool:
    """Say whether to keep a trace: one a minute for each host and type, and few in all. The sender is not proven."""
    noted = _noted()
    if noted.get(what, now) is not None or noted.count(now) >= MOST_TRACES:
        return False
    noted.put(what, now)
    return True


def _names_ours(activity: Activity, origin: str) -> bool:
    """Say whether the activity is addressed to, or about, something of ours."""
    named = [*activity.addressing.everyone(), activity.object_uri or ""]
    if activity.object is not None:
        named.append(activity.object.uri("inReplyTo") or "")
        named.extend(tag.uri("href") or "" for tag in activity.object.documents("tag") if tag.is_a("Mention"))
    return any(uri.startswith("http") and is_ours(uri, origin) for uri in named)


def _is_farewell_of_a_stranger(activity: Activity) -> bool:
    """Mastodon tells everybody when an account goes. One we never knew costs no fetch and no row (D04)."""
    if activity.type != "Delete" or activity.object_uri != activity.actor:
        return False
    return not published.is_known_actor(db.session(), activity.actor)


def _check_authority(node: Node, activity: Activity, signer: Signer) -> None:
    """Refuse what the signer may not say. Effects check again, with more knowledge (node.actions.receive)."""
    if activity.actor != signer.uri:
        raise NotAuthorized("the signer is not the actor", code="signer_not_actor")
    if signer.is_suspended:
        raise NotAuthorized("this actor is suspended here", code="actor_suspended")
    require_own(activity)  # A01, A02, A23, FEP-fe34


def _read_at_source(node: Node, activity: Activity, now: datetime) -> None:
    """A third party passes something on (ActivityPub 7.1.2): not believed, but its own server may be asked (case A22)."""
    uri = activity.object_uri
    if activity.type not in ("Create", "Update", "Delete") or uri is None or is_ours(uri, node.settings.origin):
        return
    try:
        require_own(activity)
    except NotAuthorized:
        return
    if uri == activity.actor or (activity.object is not None and activity.object.is_a(*ACTOR_TYPES)):
        return
    answered = activity.object.uri("inReplyTo") if activity.object is not None else None
    if hearsay.is_worth_reading(db.session(), activity.type, uri, answered):
        with transaction() as session:
            errands.want(session, "again", uri, now)


def _closed(rules: Rules) -> Decision:
    return Decision(Verdict.REFUSE, (Reason("node_closed", Verdict.REFUSE),), rules.version)


def _taken() -> Response:
    response = Response("", 202)
    response.headers["Cache-Control"] = "no-store"
    return response


def _arrivals() -> Arrivals:
    return cast(Arrivals, current_app.extensions["courtyard.arrivals"])


def _key_ring() -> KeyRing:
    return cast(KeyRing, current_app.extensions["courtyard.keys"])


def _noted() -> Memory:
    return cast(Memory, current_app.extensions["courtyard.noted"])
