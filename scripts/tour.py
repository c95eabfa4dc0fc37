"""The five-minute tour: two companies with a node each become partners, and the gate between them does its work.

Everything shown is what really happened: each step asks the other node before it says so.
"""

from __future__ import annotations

import argparse
import html
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import folders
from scripts.mastodon_client import MastodonClient
from scripts.running_node import NodeFailed, RunningNode

PASSWORD = "correct horse battery"
PATIENCE = 20.0


class StoryBroken(Exception):
    """Something that the story tells did not happen."""


@dataclass(frozen=True)
class House:
    """One company's node, and the member we follow through the story."""

    company: str
    node: RunningNode
    member: str
    app: MastodonClient

    @property
    def handle(self) -> str:
        return f"@{self.member}@{self.node.domain}"

    def line(self, uri: str) -> dict[str, Any] | None:
        """The member's home line of a post, or None."""
        return next((line for line in self.app.home() if line["uri"] == uri), None)


def main() -> int:
    """Tell the story; then keep both nodes running for a look around, unless told otherwise."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop both nodes when the story is told")
    arguments = parser.parse_args()
    folder = folders.make("demo")
    nodes: list[RunningNode] = []
    _on_stop(signal.default_int_handler)
    try:
        here, there = open_houses(folder, nodes)
        tell(here, there)
        if not arguments.once:
            look_around(here, there)
    except KeyboardInterrupt:
        print()
    except (StoryBroken, NodeFailed) as error:
        print(f"\nThe story broke off: {error}", file=sys.stderr)
        return 1
    finally:
        _on_stop(signal.SIG_IGN)  # A second Ctrl-C must not leave a node behind.
        for node in nodes:
            node.stop()
        folders.remove(folder)
    return 0


def _on_stop(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def open_houses(folder: Path, nodes: list[RunningNode]) -> tuple[House, House]:
    """Start both nodes with one member each."""
    say("Two companies, each with a node of its own. Both are new: nobody outside is let in (mode: selective).")
    houses = []
    for company, member in (("Nordwind", "ada"), ("Suedstern", "bo")):
        node = RunningNode.prepare(folder / company.lower(), settings={"FEDERATION": "selective"})
        nodes.append(node)
        node.start()
        node.wait_ready()
        house = House(company, node, member, MastodonClient(node.origin, node.add_member(member, role="admin")))
        show(f"{company:<10} {node.origin}   {house.handle}")
        houses.append(house)
    return houses[0], houses[1]


def tell(here: House, there: House) -> None:
    """Play the story from the closed gate to the recall."""
    say("Before anybody is let in, ada cannot even find bo: our node does not ask strangers' servers.")
    expect(not here.app.search(there.handle)["accounts"], "a stranger was found")
    show(f"search {there.handle}: nobody")

    say("Both admins let the other company in, as partners.")
    for house, other in ((here, there), (there, here)):
        house.node.command("peer", "partner", other.node.domain)
        show(f"{house.company}: courtyard peer partner {other.node.domain}")

    say("Now ada finds bo and follows him, and bo follows ada.")
    befriend(here, there)

    say("Ada writes to her colleagues. That is what a post does unless she chooses otherwise.")
    inside = here.app.post("The budget for **spring** is on the third floor.")
    show(f"stays inside: {text_of(inside)}")

    say("Then she writes to partners, and then to everybody.")
    shared = here.app.post("Draft of our joint offer: comments until Friday, please.", "partners")
    public = here.app.post("We are hiring a gardener.", "public")
    for status in (shared, public):
        line = eventually(lambda uri=status["uri"]: there.line(uri), "ada's post at bo's home")
        show(f"in bo's home: {text_of(line)}")
    expect(there.line(inside["uri"]) is None, "a members' post left the house")
    show("not in bo's home: the post to colleagues. It was never sent.")

    say("Why? Ask the gate.")
    for audience in ("members", "public"):
        show(f"{audience:<8} {would_leave(here, audience, there)}")

    say("Bo answers and likes. Ada is told.")
    line = eventually(lambda: there.line(public["uri"]), "ada's public post")
    there.app.post(f"{here.handle} my cousin would like that!", "public", in_reply_to_id=line["id"])
    there.app.act(line["id"], "favourite")
    kinds = eventually(lambda: told(here, {"mention", "favourite"}), "ada's notifications")
    show(f"ada's notifications: {', '.join(sorted(kinds))}")

    say("Ada corrects her post. The copy at the other company changes too.")
    here.app.edit(public["id"], "We are hiring two gardeners.")
    edited = eventually(lambda: holding(there.line(public["uri"]), "two gardeners"), "the edit")
    show(f"in bo's home: {text_of(edited)}")

    say("She deletes the draft. It goes there as well.")
    here.app.delete(shared["id"])
    eventually(lambda: there.line(shared["uri"]) is None, "the delete")
    show("in bo's home: gone")

    say("The companies part. Nordwind blocks Suedstern: from now on nothing leaves for it, whatever the audience.")
    here.node.command("peer", "block", there.node.domain)
    after = here.app.post("Both gardeners start on Monday.", "public")
    time.sleep(3)
    expect(there.line(after["uri"]) is None, "a post reached a blocked server")
    show(f"public   {would_leave(here, 'public', there)}")


def would_leave(house: House, audience: str, other: House) -> str:
    """Return the gate's verdict and reasons for a post of this audience to the other house, as `courtyard explain` says."""
    printed = house.node.command("explain", "--actor", house.member, "--audience", audience, "--peer", other.node.domain)
    outbound = printed.split("inbound:")[0].removeprefix("outbound:")
    verdict, *reasons = (" ".join(line.split()) for line in outbound.strip().splitlines())
    return f"{verdict}: {'; '.join(reason.removeprefix(verdict).strip() for reason in reasons)}"


def befriend(here: House, there: House) -> None:
    """Let both members follow each other, and wait for both answers."""
    for one, other in ((here, there), (there, here)):
        account = one.app.account(other.handle)
        one.app.follow(account["id"])
        eventually(lambda one=one, account=account: one.app.relation(account["id"])["following"], "the Accept")
        show(f"{one.handle} follows {other.handle}")


def told(house: House, kinds: set[str]) -> set[str]:
    """Return the kinds of notification when all of `kinds` are there, else an empty set."""
    there = {line["type"] for line in house.app.notifications()}
    return kinds if kinds <= there else set()


def holding(line: dict[str, Any] | None, text: str) -> dict[str, Any] | None:
    return line if line and text in line["content"] else None


def text_of(status: dict[str, Any]) -> str:
    """Return a post's text without its HTML."""
    return html.unescape(re.sub(r"<[^>]+>", "", status["content"]))


def look_around(here: House, there: House) -> None:
    """Keep everything running until Ctrl-C."""
    say("Look around. Sign in at either node; Ctrl-C stops both and removes their data.")
    for house in (here, there):
        show(f"{house.company:<10} {house.node.origin}/   name: {house.member}   password: {PASSWORD}")
    while all(house.node.process and house.node.process.poll() is None for house in (here, there)):
        time.sleep(0.5)


def eventually(ask: Callable[..., Any], what: str) -> Any:
    """Ask until the answer is truthy and return it. Raises StoryBroken after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise StoryBroken(f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.1)
    return answer


def expect(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise StoryBroken(otherwise)


def say(text: str) -> None:
    print(f"\n{text}", flush=True)


def show(text: str) -> None:
    print(f"    {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
