"""A post that a server reads at its id or in a collection: the ledger has it before the answer goes out.

Only reads with a proven signature have a name; all others are counted (`node.reads`). A collection of bare ids (replies,
followers) hands over no words and leaves no line. When the ledger cannot be written, nothing is answered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import request

from node import reads
from node.actions import ledger
from node.activitypub.readers import Reader
from node.database import transaction
from node.ledger import Channel, Line, State, rule_names, version_of
from node.models import Post
from node.policy import Audience
from node.policy.facts import READ
from node.queries.audience import read_decision
from node.runtime import current_node

Shown = tuple[Post, dict[str, Any]]
"""A post and its document as it stands in the answer."""


def recorded(reader: Reader, document: dict[str, Any], shown: Sequence[Shown], activity_uri: str = "") -> bytes:
    """Return the body of an answer that shows these posts, once it is on record that it does."""
    body = json.dumps(document, ensure_ascii=False).encode()
    if not reader.is_signed:
        reads.note(Channel.PUBLIC, [post for post, _ in shown])
        return body
    if not shown or request.method == "HEAD":
        return body
    now = current_node().now()
    lines = [_line(reader, post, inner, len(body) if len(shown) == 1 else 0, activity_uri) for post, inner in shown]
    with transaction() as session:
        ledger.append(session, lines, now)
    return body


def _line(reader: Reader, post: Post, document: dict[str, Any], size: int, activity_uri: str) -> Line:
    decision = read_decision(reader.viewer, Audience(post.audience), reader.rules, current_node().now())
    return Line(
        channel=Channel.GET, kind=READ, object_uri=post.uri, post_id=post.id, version=version_of(document),
        activity_uri=activity_uri, host=reader.viewer.host, verdict=decision.verdict, reasons=rule_names(decision.reasons),
        rules_version=decision.rules_version, size=size or len(json.dumps(document, ensure_ascii=False).encode()), answer=200,
        state=State.TAKEN, actor_uri=reader.signer_uri,
    )  # fmt: skip
