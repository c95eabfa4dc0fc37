"""What a peer asks for: the Accept-Signature header (RFC 9421 5.1) on its answer to a request it did not believe."""

from dataclasses import dataclass, field

from federation.signatures.message import Scheme
from federation.signatures.structured import BadField, InnerList, Parameters, parse_dictionary

# What `sign` can put under a signature. Host and Date are always sent, the others when there is a body.
_OFFERED = frozenset(
    {
        "@method",
        "@target-uri",
        "@authority",
        "@scheme",
        "@request-target",
        "@path",
        "@query",
        "host",
        "date",
        "content-digest",
        "content-type",
    }
)
_MAX_ECHO = 256


@dataclass(frozen=True, slots=True)
class SignatureHints:
    """What to cover beside what we always do, the label to use, and the parameters to send back (`nonce`, `tag`)."""

    label: str
    components: tuple[str, ...]
    echoed: Parameters = field(default_factory=dict)


def accept_signature(header: str | None) -> SignatureHints | None:
    """Read an Accept-Signature header; return the first request in it that we can honour, or None.

    A request we cannot honour names components we do not send, an algorithm our keys are not for, or is no valid field.
    """
    if header is None:
        return None
    try:
        wishes = parse_dictionary(header)
    except BadField:
        return None
    for label, wish in wishes.items():
        if isinstance(wish, InnerList) and _is_offered(wish):
            echoed = {name: wish.parameters[name] for name in ("nonce", "tag") if name in wish.parameters}
            return SignatureHints(label, tuple(str(item.value) for item in wish.items), echoed)
    return None


def _is_offered(wish: InnerList) -> bool:
    if any(item.parameters or type(item.value) is not str or item.value not in _OFFERED for item in wish.items):
        return False
    if wish.parameters.get("alg", "rsa-v1_5-sha256") not in ("rsa-v1_5-sha256", "ed25519"):
        return False
    echoes = (wish.parameters.get(name, "") for name in ("nonce", "tag"))
    return all(type(echo) is str and len(echo) <= _MAX_ECHO for echo in echoes)


def other_scheme(scheme: Scheme | str) -> Scheme:
    """Return the scheme for the second knock after a 401 (Cavage first, then RFC 9421)."""
    return Scheme.RFC9421 if scheme == Scheme.CAVAGE else Scheme.CAVAGE
