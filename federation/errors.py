"""What can go wrong between servers. Each error carries data and a short machine `code`.

    FederationError
     ├── Malformed          400  not JSON, too deep, wrong shape, duplicate keys, bad encoding
     ├── TooLarge           413  more bytes than we read
     ├── WrongMediaType     415  not ActivityStreams
     ├── SignatureRefused   401  missing, garbage, does not cover, expired, wrong: `code` says which
     ├── KeyUnavailable     503  the key could not be fetched for now; try again after `retry_after` seconds
     ├── KeyGone            401  the key's document answered 404 or 410
     ├── NotAuthorized      403  the actor is not the signer, or an origin differs
     │    └── KeyNotOwned   403  the key names an owner who does not list it
     ├── AddressRefused     403  the address guard refused to connect
     ├── FetchFailed        502  a document could not be had; `temporary` says whether to try again
     └── LookupFailed       404  WebFinger found nothing, or it does not hold in both directions

`http_status` is what an inbox answers with when the error ends the request (shared contract: errors).
A message is for logs and operators: it never carries private text of a document.
"""

from typing import ClassVar


class FederationError(Exception):
    """Anything this package raises on purpose. `code` is stable, lower_snake_case, and safe to log and to show."""

    http_status: ClassVar[int] = 400
    default_code: ClassVar[str] = "federation_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code


class Malformed(FederationError):
    """The bytes or the shape of what was received make no sense."""

    default_code = "malformed"


class TooLarge(FederationError):
    """More than `limit` bytes (0 when unknown)."""

    http_status = 413
    default_code = "too_large"

    def __init__(self, message: str, *, code: str | None = None, limit: int = 0) -> None:
        super().__init__(message, code=code)
        self.limit = limit


class WrongMediaType(FederationError):
    """The content type is not one we read; `media_type` is what was said."""

    http_status = 415
    default_code = "wrong_media_type"

    def __init__(self, message: str, *, code: str | None = None, media_type: str = "") -> None:
        super().__init__(message, code=code)
        self.media_type = media_type


class SignatureRefused(FederationError):
    """The request is not signed in a way we accept; `code` says why."""

    http_status = 401
    default_code = "signature_refused"


class KeyUnavailable(FederationError):
    """The signer's key could not be fetched for now; the same request may work after `retry_after` seconds."""

    http_status = 503
    default_code = "key_unavailable"

    def __init__(self, message: str, *, code: str | None = None, retry_after: int = 60) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class KeyGone(FederationError):
    """The document that should hold the key `key_id` answered 404 or 410."""

    http_status = 401
    default_code = "key_gone"

    def __init__(self, message: str, *, code: str | None = None, key_id: str = "") -> None:
        super().__init__(message, code=code)
        self.key_id = key_id


class NotAuthorized(FederationError):
    """Authentic, but not entitled: another's actor, another's object, another origin (FEP-fe34)."""

    http_status = 403
    default_code = "not_authorized"


class KeyNotOwned(NotAuthorized):
    """The key `key_id` says it belongs to `owner`, and the owner does not list it."""

    default_code = "key_not_owned"

    def __init__(self, message: str, *, code: str | None = None, key_id: str = "", owner: str = "") -> None:
        super().__init__(message, code=code)
        self.key_id = key_id
        self.owner = owner


class AddressRefused(FederationError):
    """The guard does not let us connect to `address`, to which `host` resolved (or which it is)."""

    http_status = 403
    default_code = "address_refused"

    def __init__(self, message: str, *, code: str | None = None, host: str = "", address: str = "") -> None:
        super().__init__(message, code=code)
        self.host = host
        self.address = address


class FetchFailed(FederationError):
    """`url` could not be read: `status` is the HTTP status of the answer, None (and a `reason`) when there was none.

    `temporary` is True when trying again later makes sense (network, TLS, 429, 5xx). `may_have_arrived`: the failure came
    after the first byte of the request was handed over, so that the other side may have read it.
    """

    http_status = 502
    default_code = "fetch_failed"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        url: str = "",
        status: int | None = None,
        reason: str = "",
        temporary: bool = False,
        may_have_arrived: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.may_have_arrived = may_have_arrived
        self.url = url
        self.status = status
        self.reason = reason
        self.temporary = temporary


class LookupFailed(FederationError):
    """WebFinger has no such account, or account and actor do not name each other."""

    http_status = 404
    default_code = "lookup_failed"
