"""What an action refuses on purpose. Raised low, caught once, in the door.

    ActionError            an expected refusal: shown to whoever asked, beside the field it is about
     ├ Invalid             422  a value cannot be taken (empty, too long, not a host name, a poor password)
     ├ Taken               409  somebody or something already has it, or it was already done
     ├ NotAllowed          403  this person may not do this (role, block, audience)
     │   └ GateRefused     403  the gate says no; carries the decision's reasons
     ├ NotThere            404  it does not exist, or not for this person: both look the same
     ├ Expired             410  a link, code or vote came too late
     └ TooMany             429  slow down; `retry_after` seconds

`code` is for machines and tests, `text` an English sentence with `%(name)s` places (the translation's message id),
`values` what goes there, `field` the form field it belongs to. A door shows `gettext(error.text, **error.values)`;
below the doors nothing knows the reader's language. Mistakes of ours are ordinary exceptions and do not live here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


def N_(text: str) -> str:
    """Mark `text` for translation and return it unchanged."""
    return text


class ActionError(Exception):
    """An expected refusal. `field` is '' when it is about the whole request."""

    status: ClassVar[int] = 422
    """The HTTP status that tells the truth about it."""

    def __init__(self, code: str, text: str, field: str = "", **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.field = field
        self.values = values

    def __str__(self) -> str:
        """Return the English sentence: for logs and the command line."""
        return self.text % self.values if self.values else self.text


class Invalid(ActionError):
    """A value cannot be taken."""


class Taken(ActionError):
    """Somebody already has it, or it is already so."""

    status = 409


class NotAllowed(ActionError):
    """This person may not do this."""

    status = 403


class GateRefused(NotAllowed):
    """The gate says no. `reasons` are those of the decision (node.policy.Reason), for node.policy.words.explain."""

    def __init__(self, code: str, text: str, field: str = "", reasons: Sequence[Any] = (), **values: Any) -> None:
        super().__init__(code, text, field, **values)
        self.reasons = tuple(reasons)


class NotThere(ActionError):
    """It does not exist, or not for this person."""

    status = 404


class Expired(ActionError):
    """It was valid once."""

    status = 410


class TooMany(ActionError):
    """Slow down. `retry_after` is in seconds."""

    status = 429

    def __init__(self, code: str, text: str, field: str = "", retry_after: int = 60, **values: Any) -> None:
        super().__init__(code, text, field, **values)
        self.retry_after = retry_after
