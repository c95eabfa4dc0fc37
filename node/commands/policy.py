"""`courtyard mode` and `courtyard explain`: the gate, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from node.commands.output import as_json, node_app, show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from node.policy import Decision

MODES = click.Choice(["closed", "selective", "open"])


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
@click.option("--actor", required=True, help="Who: a member here, or somebody there.")
@click.option("--audience", help="Of the post, if it is about one: members, public, ...")
@click.option("--peer", "host", required=True, help="The other server.")
@click.option("--type", "kind", default="Create", show_default=True, help="The type of activity, or Read for a GET.")
@as_json
@click.pass_context
def explain(context: click.Context, actor: str, audience: str | None, host: str, kind: str, is_json: bool) -> None:
    """Say whether an activity would leave for a server, whether it would enter from there, and every rule that spoke.

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
        if not _is_known(db.session(), actor, peer_host):
            raise click.UsageError(f"--actor: nobody named {actor!r} is known, here or on {peer_host}")
        rules = current_node().rules(db.session())
        now = utc_now()
        answers = {
            "outbound": decide(Facts(Direction.OUT, peer_host, kind, now, audience=chosen, actor=actor), rules),
            "inbound": decide(Facts(Direction.IN, peer_host, kind, now, chosen, actor, is_addressed_here=True), rules),
        }
    said = {direction: _answer(decision) for direction, decision in answers.items()}
    value = {"actor": actor, "audience": audience, "peer": peer_host, "type": kind, "mode": rules.mode.value, **said}
    text = "\n".join(_sentences(direction, answer) for direction, answer in said.items())
    show(value, is_json=is_json, text=text)


def _is_known(session: Session, actor: str, peer_host: str) -> bool:
    """Whether `actor` is one of ours (anna, @anna, anna@this.node) or somebody known elsewhere (bob@there, an id; a bare
    name on the peer, too)."""
    from federation.errors import FederationError
    from federation.origins import is_web_uri, normalise_host
    from node.queries import actors
    from node.runtime import current_node

    if is_web_uri(actor):
        return actors.by_uri(session, actor) is not None
    name, _, host = actor.strip().removeprefix("@").partition("@")
    settings = current_node().settings
    try:
        host = normalise_host(host, scheme=settings.scheme) if host else ""
    except FederationError:
        return False
    if host in ("", settings.host) and actors.by_name(session, name) is not None:
        return True
    return host != settings.host and actors.by_handle(session, name, host or peer_host) is not None


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
