"""HTTP Message Signatures (RFC 9421): reading, what an inbox insists on, and writing.

Taken are requests with one signature over derived components (2.2) and plain header fields. Response signatures,
`@status` and the component parameters `sf`, `key`, `bs`, `req` and `tr` do not occur between ActivityPub servers and
are refused.
"""

from base64 import b64encode
from urllib.parse import parse_qsl, quote

from federation.signatures.dates import check_expiry, check_window, http_date
from federation.signatures.digests import BodyDigest, check_content_digest, digest_of
from federation.signatures.hints import SignatureHints
from federation.signatures.message import (
    MAX_COVERED,
    Message,
    Refusal,
    Scheme,
    SignatureParameters,
    Target,
    checked_key_id,
    encoded_base,
    refusal,
)
from federation.signatures.signer import SigningKey, signed_with
from federation.signatures.structured import (
    BadField,
    InnerList,
    Item,
    Member,
    Parameters,
    parse_dictionary,
    serialise_inner_list,
    serialise_parameters,
)

# The names RFC 9421 6.2.2 has for what our keys do. A label never chooses the algorithm; one that differs is refused.
_LABELS = frozenset({None, "rsa-v1_5-sha256", "ed25519", "rsa-pss-sha512"})
_MAX_QUERY_FIELDS = 100


def read(message: Message) -> SignatureParameters:
    """Read Signature-Input and Signature and rebuild what was signed. Raises SignatureRefused."""
    label, inputs = _only_member(message, "signature-input")
    signature_label, signature = _only_member(message, "signature")
    if label != signature_label:
        raise refusal(Refusal.GARBAGE, "Signature and Signature-Input do not belong together")
    if not isinstance(inputs, InnerList) or not isinstance(signature, Item) or not isinstance(signature.value, bytes):
        raise refusal(Refusal.GARBAGE, "Signature or Signature-Input is not of the right kind")
    if not signature.value:
        raise refusal(Refusal.GARBAGE, "the signature is empty")
    algorithm = inputs.parameters.get("alg")
    if not (algorithm is None or isinstance(algorithm, str)) or algorithm not in _LABELS:
        raise refusal(Refusal.ALGORITHM, "the algorithm of the signature is not taken")
    return SignatureParameters(
        scheme=Scheme.RFC9421,
        key_id=checked_key_id(inputs.parameters.get("keyid")),
        algorithm=algorithm,
        covered=_covered(inputs),
        created=_seconds(inputs.parameters, "created"),
        expires=_seconds(inputs.parameters, "expires"),
        signature=signature.value,
        base=_base(message, inputs),
    )


def insist(message: Message, parameters: SignatureParameters, now: float) -> bytes | None:
    """Refuse what an inbox does not take; return the SHA-256 of the body when there has to be one.

    `created` must lie between twelve hours ago and one hour ahead of `now` (seconds). Covered must be `@method` and
    `@target-uri` (or all its parts), and on anything but a bare GET the `content-digest`, which must be right.
    """
    covered = parameters.covered
    if parameters.created is None:
        raise refusal(Refusal.DATE, "the signature does not say when it was made")
    check_window(parameters.created, now)
    check_expiry(parameters.created, parameters.expires, now)
    if "@method" not in covered or not _covers_target(covered, message.target):
        raise refusal(Refusal.COVERAGE, "the signature must cover @method and @target-uri")
    if "host" in covered and not message.names_our_host:
        raise refusal(Refusal.HOST, "the signature was made for another host")
    if not message.has_body:
        return None
    digest = message.combined("content-digest")
    if digest is None:
        raise refusal(Refusal.DIGEST_MISSING, "a request with a body needs a Content-Digest header")
    if "content-digest" not in covered:
        raise refusal(Refusal.COVERAGE, "the signature must cover content-digest")
    return check_content_digest(digest, message.body or b"")


def _covers_target(covered: tuple[str, ...], target: Target) -> bool:
    if "@target-uri" in covered:
        return True
    if "@authority" not in covered:
        return False
    if "@request-target" in covered:
        return True
    return "@path" in covered and ("@query" in covered or target.query is None)


def _only_member(message: Message, name: str) -> tuple[str, Member]:
    values = message.values(name)
    if not values:
        raise refusal(Refusal.MISSING, f"the request has no {name} header")
    if len(values) > 1:
        raise refusal(Refusal.MANY, f"the request has more than one {name} header")
    try:
        members = parse_dictionary(values[0])
    except BadField as error:
        raise refusal(Refusal.GARBAGE, f"the {name} header cannot be read") from error
    if len(members) != 1:
        raise refusal(Refusal.MANY, f"the {name} header must hold exactly one signature")
    return next(iter(members.items()))


def _seconds(parameters: Parameters, name: str) -> float | None:
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise refusal(Refusal.DATE, f"{name} is no number of seconds")
    return float(value)


def _covered(inputs: InnerList) -> tuple[str, ...]:
    names = []
    seen = set()
    for item in inputs.items:
        if type(item.value) is not str or item.value != item.value.lower():
            raise refusal(Refusal.GARBAGE, "a covered component is no lower-case string")
        identifier = (item.value, serialise_parameters(item.parameters))
        if identifier in seen:
            raise refusal(Refusal.GARBAGE, "a component is covered twice")
        seen.add(identifier)
        names.append(item.value)
    if len(names) > MAX_COVERED:
        raise refusal(Refusal.GARBAGE, "too many components are covered")
    return tuple(names)


def _base(message: Message, inputs: InnerList) -> bytes:
    """Rebuild the signature base (RFC 9421 2.5)."""
    lines = []
    for item in inputs.items:
        name = str(item.value)
        value = _component(message, name, item.parameters)
        lines.append(f'"{name}"{serialise_parameters(item.parameters)}: {value}')
    try:
        lines.append(f'"@signature-params": {serialise_inner_list(inputs)}')
    except BadField as error:
        raise refusal(Refusal.GARBAGE, "the parameters of the signature cannot be written") from error
    return encoded_base(lines)


def _component(message: Message, name: str, parameters: Parameters) -> str:
    if name == "@query-param":
        return _query_parameter(message.target, parameters)
    if parameters:
        raise refusal(Refusal.GARBAGE, "a covered component has parameters we do not take")
    value = _derived(message.method, message.target, name) if name.startswith("@") else message.combined(name)
    if value is None:
        raise refusal(Refusal.HEADER, "a covered component is missing")
    return value


def _derived(method: str, target: Target, name: str) -> str | None:
    """Return a derived component of a request (RFC 9421 2.2), or None when there is none of that name."""
    match name:
        case "@method":
            return method
        case "@target-uri":
            return target.uri
        case "@authority":
            return target.host
        case "@scheme":
            return target.scheme
        case "@request-target":
            return target.request_target
        case "@path":
            return target.path
        case "@query":
            return f"?{target.query or ''}"
    return None


def _query_parameter(target: Target, parameters: Parameters) -> str:
    """Return the value of one query parameter, decoded and encoded again (RFC 9421 2.2.8). It must occur once."""
    wanted = parameters.get("name")
    if len(parameters) != 1 or not isinstance(wanted, str):
        raise refusal(Refusal.GARBAGE, "@query-param needs a name and nothing else")
    try:
        pairs = parse_qsl(target.query or "", keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError as error:
        raise refusal(Refusal.GARBAGE, "the query has too many fields") from error
    values = [value for name, value in pairs if _form_encoded(name) == wanted]
    if len(values) != 1:
        raise refusal(Refusal.HEADER, "a covered query parameter is missing or comes twice")
    return _form_encoded(values[0])


def _form_encoded(text: str) -> str:
    return quote(text, safe="*-._").replace("~", "%7E")


def sign(
    method: str,
    target: Target,
    body: bytes | None,
    key: SigningKey,
    now: int,
    content_type: str | None,
    digest: BodyDigest | None,
    hints: SignatureHints | None,
) -> dict[str, str]:
    """Return the headers to add: as Cavage, with Content-Digest for Digest, and Signature-Input beside Signature."""
    headers = {"Host": target.host, "Date": http_date(now)}
    covered = ["@method", "@target-uri"]
    if body is not None:
        headers["Content-Digest"] = (digest or digest_of(body)).rfc9530
        covered.append("content-digest")
    if content_type is not None:
        headers["Content-Type"] = content_type
        covered.append("content-type")
    label = "sig1"
    asked = ""
    if hints is not None:
        label = hints.label
        covered += [name for name in hints.components if name not in covered]
        asked = serialise_parameters(hints.echoed)
    fields = {name.lower(): value for name, value in headers.items()}
    lines = []
    for name in covered:
        value = _derived(method, target, name) if name.startswith("@") else fields.get(name)
        if value is not None:
            lines.append(f'"{name}": {value}')
    listed = " ".join(line.partition(":")[0] for line in lines)
    parameters = f'({listed});created={now};keyid="{key.key_id}";alg="{_label_of(key)}"{asked}'
    lines.append(f'"@signature-params": {parameters}')
    _, signature = signed_with(key, "\n".join(lines).encode("latin-1"))
    headers["Signature-Input"] = f"{label}={parameters}"
    headers["Signature"] = f"{label}=:{b64encode(signature).decode('ascii')}:"
    return headers


def _label_of(key: SigningKey) -> str:
    return "ed25519" if key.algorithm == "ed25519" else "rsa-v1_5-sha256"
