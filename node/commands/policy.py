"""`courtyard mode` and `courtyard explain`: the gate, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.commands.output import as_json, node_app, show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from node.policy import Decision

MODES = click.Choice(["closed", "selective", "open"])
KINDS = click.Choice(
    ["Create", "Update", "Delete", "Follow", "Accept", "Reject", "Announce", "Like", "EmojiReact", "Undo", "Flag", "Move",
     "Block", "Add", "Remove", "Read"]
)  # fmt: skip
WAYS = click.Choice(["out", "in", "both"])


@click.command()
@click.argument("mode_name", metavar="[closed|selective|open]", type=MODES, required=False)
@as_json
@click.pass_context
def mode(context: click.Context, mode_name: str | None, is_json: bool) -> None:
    """Show the federation mode, or set it. It holds at once, in every process."""
    from node.actions import node_settings
    from node.database import db, transaction, utc_now
    from node.runtime import current_node

    with node_app(context):
        if mode_name is not None:
            with transaction() as session:
                node_settings.set_mode(session, mode_name, None, utc_now())
        now_in_force = current_node().rules(db.session()).mode.value
    show({"mode": now_in_force}, is_json=is_json, text=now_in_force)


@click.command()
@click.option("--actor", help="Who: a member here (outbound), or somebody there, known or not (inbound).")
@click.option("--audience", help="Of the post, if it is about one: members, public, ...")
@click.option("--peer", "host", required=True, help="The other server.")
@click.option("--type", "kind", default="Create", show_default=True, type=KINDS, help="The type of activity, or Read for a GET.")
@click.option("--direction", type=WAYS, help="Unset: out for a member here, in for somebody there, both without --actor.")
@as_json
@click.pass_context
def explain(
    context: click.Context, actor: str | None, audience: str | None, host: str, kind: str, direction: str | None, is_json: bool
) -> None:
    """Say whether an activity would leave for a server, or enter from there, and every rule that spoke.

    Asks the same function as the gate, with the rules in force. Changes nothing.
    """
    from node.actions.peers import check_host
    from node.database import db, utc_now
    from node.policy import Audience, Direction, Facts, decide
    from node.runtime import current_node

    try:
        chosen = Audience(audience) if audience else None
    except ValueError as error:
        raise click.UsageError(f"--audience: {audience} is none of {', '.join(Audience)}") from error
    with node_app(context):
        peer_host = check_host(host)
        way = direction or ("both" if actor is None else "out" if _is_ours(db.session(), actor) else "in")
        if way == "in" and actor is not None and not _names_somebody(actor, peer_host, is_bare_enough=direction == "in"):
            raise click.UsageError(f"--actor: nobody named {actor!r} is known, here or on {peer_host}")
        if way == "out" and actor is not None and not _is_ours(db.session(), actor):
            raise click.UsageError(f"--actor: nobody here is called {actor!r}, and only members here send")
        rules = current_node().rules(db.session())
        now = utc_now()
        asked = {
            "outbound": Facts(Direction.OUT, peer_host, kind, now, audience=chosen, actor=actor or ""),
            "inbound": Facts(Direction.IN, peer_host, kind, now, actor=actor or "", is_addressed_here=True),
        }
        answers = {name: decide(facts, rules) for name, facts in asked.items() if way == "both" or name.startswith(way)}
    said = {name: _answer(decision) for name, decision in answers.items()}
    value = {"actor": actor, "audience": audience, "peer": peer_host, "type": kind, "mode": rules.mode.value, **said}
    text = "\n".join(_sentences(name, answer) for name, answer in said.items())
    show(value, is_json=is_json, text=text)


def _is_ours(session: Session, actor: str) -> bool:
    """Whether `actor` is one of ours: anna, @anna, anna@this.node, or an id."""
    from federation.errors import FederationError
    from federation.origins import is_web_uri, normalise_host
    from node.queries import actors
    from node.runtime import current_node

    if is_web_uri(actor):
        found = actors.by_uri(session, actor)
        return found is not None and found.is_local
    name, _, host = actor.strip().removeprefix("@").partition("@")
    settings = current_node().settings
    try:
        host = normalise_host(host, scheme=settings.scheme) if host else ""
    except FederationError:
        return False
    return host in ("", settings.host) and actors.by_name(session, name) is not None


def _names_somebody(actor: str, peer_host: str, *, is_bare_enough: bool) -> bool:
    """Whether `actor` can be somebody there, known or not: an id or a handle of that server or of one below it.

    A bare name may be a slip in a member's: it counts when the question is about what comes in (`is_bare_enough`).
    """
    from federation.errors import FederationError
    from federation.origins import host_matches, host_of, is_web_uri

    name, _, host = actor.strip().removeprefix("@").partition("@")
    try:
        if is_web_uri(actor):
            return host_matches(host_of(actor), peer_host)
        return bool(name) and (host_matches(host, peer_host) if host else is_bare_enough)
    except FederationError:
        return False


def _answer(decision: Decision) -> dict[str, Any]:
    from node.policy import words

    reasons = []
    for reason in decision.reasons:
        text, values = words.sentence(reason)
        reasons.append({**reason.as_json(), "words": text % values})
    return {"verdict": decision.verdict.value, "reasons": reasons}


def _sentences(direction: str, answer: dict[str, Any]) -> str:
    lines = [f"{direction}: {answer['verdict']}"]
    lines += [f"  {reason['verdict']:<9} {reason['words']}  [{reason['code']}]" for reason in answer["reasons"]]
    return "\n".join(lines)
