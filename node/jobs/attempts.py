"""One try at a delivery: sign, POST, say what came of it. No database: all that is needed is in the `Attempt`."""

from __future__ import annotations

from dataclasses import dataclass

from federation.delivery import Answer, Outcome, classify
from federation.errors import FederationError, FetchFailed
from federation.signatures import BodyDigest, Scheme, SigningKey, accept_signature, sign
from federation.vocabulary import MEDIA_TYPE
from node.actions.tries import Claim, Result
from node.runtime import Node


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed delivery with all that is needed to send it without the database."""

    claim: Claim
    body: bytes
    digest: BodyDigest
    keys: dict[str, SigningKey]
    claimed_at: float
    """time.monotonic() when its lease began."""


def deliver(node: Node, attempt: Attempt) -> Result:
    """POST once; when the signature scheme is refused, once more with the other (double knock, S25)."""
    claim = attempt.claim
    scheme = claim.scheme or "cavage"
    answer = _post(node, attempt, scheme)
    outcome = classify(answer, was_missing=claim.was_missing)
    learned = ""
    if outcome is Outcome.REFUSED_SCHEME:
        scheme = "rfc9421" if scheme == "cavage" else "cavage"
        answer = _post(node, attempt, scheme)
        outcome = classify(answer, other_scheme_tried=True, was_missing=claim.was_missing)
        learned = scheme if outcome is Outcome.DELIVERED else ""
        if isinstance(answer, FetchFailed):
            answer.may_have_arrived = True  # with the first knock
    if isinstance(answer, FederationError):
        return Result(claim, None, outcome, str(answer)[:400], error=answer)
    if outcome is Outcome.DELIVERED and scheme != "ed25519" and _offers_ed25519(answer):
        learned = "ed25519"
    reason = "" if outcome is Outcome.DELIVERED else f"HTTP {answer.status}"
    return Result(claim, answer, outcome, reason, learned_scheme=learned)


def _post(node: Node, attempt: Attempt, scheme: str) -> Answer | FederationError:
    key = attempt.keys.get("ed25519") if scheme == "ed25519" else attempt.keys.get("rsa")
    if key is None:
        key = next(iter(attempt.keys.values()))
    wire = Scheme.CAVAGE if scheme == "cavage" else Scheme.RFC9421
    try:
        headers = sign(
            "POST",
            attempt.claim.inbox,
            attempt.body,
            key,
            now=node.now(),
            scheme=wire,
            content_type=MEDIA_TYPE,
            digest=attempt.digest,
        )
        return node.client.post(attempt.claim.inbox, attempt.body, headers)
    except FederationError as error:
        return error


def _offers_ed25519(answer: Answer) -> bool:
    hints = accept_signature(answer.accept_signature) if answer.accept_signature else None
    return hints is not None and "ed25519" in str(hints)
