"""OAuth 2 for the client API: apps, authorization codes with PKCE, access tokens. Only SHA-256 of secrets is kept.

RFC 6749 with the strictness of RFC 9700: redirect URIs match exactly, S256 is required, a code works once and its second
use ends what the first one gave (abuse case W05).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from federation.errors import Malformed
from federation.origins import origin
from node.actions.logins import digest, new_secret
from node.database import new_id
from node.errors import N_, ActionError, Invalid, NotAllowed
from node.models import AccessToken, AuthorizationCode, ClientApp, Member

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
CODE_LASTS = timedelta(minutes=10)
NOTED_EVERY = timedelta(hours=1)
MOST_REDIRECTS = 10
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TAKEN = (
    "about acct afp aim apt bitcoin blob chrome cid data dav dict dns ed2k facetime feed file filesystem finger ftp ftps geo git "
    "gopher hcp imap intent ipfs ipns ipp irc ircs itms itpc jabber jar javascript ldap ldaps livescript magnet mailbox mailto "
    "market matrix mid mms mocha msteams news nfs nntp onenote opaque pop res resource rsync rtmp rtsp sftp shell sip sips "
    "skype smb sms ssh steam svn tag tel telnet tftp tv urn vbscript view-source vnc wais webcal ws wss wyciwyg xmpp"
)
TAKEN_SCHEMES = frozenset(_TAKEN.split())
"""What schemes without a dot already mean elsewhere: none of them is an app's own."""
TAKEN_PREFIXES = ("chrome-", "edge-", "moz-", "ms-", "safari-", "search-", "web+", "x-apple")

_READ = "accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses"
_WRITE = "accounts blocks bookmarks conversations favourites filters follows lists media mutes notifications reports statuses"
SCOPES = frozenset(
    {"read", "write", "follow", "push", "profile"}
    | {f"read:{part}" for part in _READ.split()}
    | {f"write:{part}" for part in _WRITE.split()}
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class NewApp:
    """A registered app with its secret, which is shown once."""

    app: ClientApp
    secret: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of a code: a token's secret, or why not. Not an exception: a second use must be committed."""

    secret: str | None = None
    token: AccessToken | None = None
    refusal: ActionError | None = None


def register_app(
    session: Session, name: str, redirect_uris: str, scopes: str = "read", website: str | None = None, *, now: datetime
) -> NewApp:
    """Register a client app; `redirect_uris` one a line (or separated by spaces). Raises Invalid."""
    name = name.strip()
    if not 0 < len(name) <= 255:
        raise Invalid("app_name", N_("An app has a name of at most 255 characters."), "client_name")
    uris = list(dict.fromkeys(redirect_uris.split()))
    if not 0 < len(uris) <= MOST_REDIRECTS or not all(_is_redirect(uri) for uri in uris):
        text = N_("A redirect URI is absolute, without user information and without fragment.")
        raise Invalid("redirect_uri", text, "redirect_uris")
    if website is not None and not _is_page(website):
        website = None
    secret = new_secret()
    app = ClientApp(
        id=new_id(now), name=name, website=website, redirect_uris="\n".join(uris), scopes=read_scopes(scopes),
        client_id=new_secret(), secret_hash=digest(secret), created_at=now,
    )  # fmt: skip
    session.add(app)
    session.flush()
    return NewApp(app, secret)


def find_app(session: Session, client_id: str) -> ClientApp | None:
    """Return the app with this client id."""
    return session.scalar(select(ClientApp).where(ClientApp.client_id == client_id)) if client_id else None


def check_redirect(app: ClientApp, redirect_uri: str) -> None:
    """Raise Invalid unless the URI is, character for character, one the app registered. Before anything redirects there."""
    if redirect_uri not in app.redirect_uris.split("\n"):
        raise Invalid("redirect_uri", N_("The app did not register this redirect URI."), "redirect_uri")


def check_challenge(challenge: str | None, method: str | None) -> None:
    """Raise Invalid unless this is a challenge with S256: BASE64URL of 32 bytes (RFC 7636 4.2)."""
    if method != "S256" or not challenge or not _CHALLENGE.fullmatch(challenge):
        text = N_("This server needs a code challenge with the method S256 (RFC 7636).")
        raise Invalid("pkce_required", text, "code_challenge")


def authorize(
    session: Session,
    app: ClientApp,
    member: Member,
    *,
    redirect_uri: str,
    scopes: str,
    challenge: str | None,
    challenge_method: str | None,
    now: datetime,
) -> str:
    """Let the app act for the member: return an authorization code, good once and for ten minutes.

    Raises Invalid: redirect URI not registered, no S256 challenge (RFC 7636), scopes the app did not register.
    """
    check_redirect(app, redirect_uri)
    check_challenge(challenge, challenge_method)
    granted = read_scopes(scopes)
    if not is_within(granted, app.scopes):
        raise Invalid("scope", N_("The app asks for more than it registered."), "scope")
    code = new_secret()
    row = AuthorizationCode(
        id=new_id(now), code_hash=digest(code), app_id=app.id, member_id=member.id, redirect_uri=redirect_uri,
        scopes=granted, challenge=challenge, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return code


def exchange_code(
    session: Session,
    *,
    client_id: str,
    client_secret: str | None,
    code: str,
    redirect_uri: str,
    verifier: str,
    now: datetime,
) -> Exchange:
    """Turn a code into a token, once. A second use revokes the token of the first; commit whatever is returned.

    Public clients send no secret: the PKCE verifier proves them. A secret that is sent must be right.
    """
    app = find_app(session, client_id)
    if app is None or (client_secret is not None and not _is_secret_of(app, client_secret)):
        return Exchange(refusal=_wrong_client())
    locked = select(AuthorizationCode).where(AuthorizationCode.code_hash == digest(code)).with_for_update()
    row = session.scalar(locked, execution_options={"populate_existing": True})
    wrong = Exchange(refusal=Invalid("invalid_grant", N_("The code is wrong, was used, or has run out."), "code"))
    if row is None or row.app_id != app.id:
        return wrong
    if row.used_at is not None:
        stolen = update(AccessToken).where(AccessToken.code_id == row.id, AccessToken.revoked_at.is_(None))
        session.execute(stolen.values(revoked_at=now))
        return wrong
    row.used_at = now  # even a failed try spends it
    session.flush()
    if row.created_at + CODE_LASTS <= now or row.redirect_uri != redirect_uri or not _proves(verifier, row.challenge):
        return wrong
    member = session.get(Member, row.member_id)
    if member is None or member.suspended_at is not None:
        return wrong
    secret, token = _make_token(session, app.id, row.id, row.member_id, row.scopes, now)
    return Exchange(secret, token)


def token_for_app(session: Session, app: ClientApp, client_secret: str, scopes: str, now: datetime) -> str:
    """Return a token of the app itself (client_credentials), which sees what strangers see. Raises NotAllowed, Invalid."""
    if not _is_secret_of(app, client_secret):
        raise _wrong_client()
    granted = read_scopes(scopes)
    if not is_within(granted, app.scopes):
        raise Invalid("scope", N_("The app asks for more than it registered."), "scope")
    return _make_token(session, app.id, None, None, granted, now)[0]


def token_for_member(session: Session, member: Member, scopes: str, now: datetime) -> str:
    """Return a token for the member without any app (`courtyard token`). Raises Invalid."""
    return _make_token(session, None, None, member.id, read_scopes(scopes), now)[0]


def find_token(session: Session, secret: str, now: datetime) -> AccessToken | None:
    """Return the live token of this secret with `.member.actor` and `.app` loaded, or None. Reads only; see `is_due`."""
    if not secret or len(secret) > 200:
        return None
    token = session.scalar(
        select(AccessToken)
        .where(AccessToken.token_hash == digest(secret), AccessToken.revoked_at.is_(None))
        .options(joinedload(AccessToken.member).joinedload(Member.actor), joinedload(AccessToken.app))
    )
    if token is None or (token.member is not None and token.member.suspended_at is not None):
        return None
    return token


def is_due(token: AccessToken, now: datetime) -> bool:
    """Say whether this use is to be written down with `note_use`."""
    return token.used_at is None or token.used_at + NOTED_EVERY <= now


def note_use(session: Session, token_id: int, now: datetime) -> None:
    """Write down that a token was used."""
    session.execute(update(AccessToken).where(AccessToken.id == token_id).values(used_at=now))


def revoke(session: Session, secret: str, now: datetime, *, client_id: str | None = None) -> bool:
    """End a token (RFC 7009); with `client_id` only one of that app's. Say whether there was one."""
    token = find_token(session, secret, now)
    if token is None or (client_id is not None and (token.app is None or token.app.client_id != client_id)):
        return False
    token.revoked_at = now
    session.flush()
    return True


def revoke_app(session: Session, member_id: int, app_id: int, now: datetime) -> None:
    """End all the member's tokens of one app, and codes it has not used yet: they would only make new ones."""
    live = update(AccessToken).where(AccessToken.member_id == member_id, AccessToken.app_id == app_id)
    session.execute(live.where(AccessToken.revoked_at.is_(None)).values(revoked_at=now))
    unused = update(AuthorizationCode).where(AuthorizationCode.member_id == member_id, AuthorizationCode.app_id == app_id)
    session.execute(unused.where(AuthorizationCode.used_at.is_(None)).values(used_at=now))


def apps_of(session: Session, member_id: int) -> list[ClientApp]:
    """Return the apps that may act for the member now."""
    live = select(AccessToken.app_id).where(AccessToken.member_id == member_id, AccessToken.revoked_at.is_(None))
    return list(session.scalars(select(ClientApp).where(ClientApp.id.in_(live)).order_by(ClientApp.name, ClientApp.id)))


def read_scopes(text: str) -> str:
    """Return the known scopes in `text`, sorted, one space between; 'read' when it is empty. Raises Invalid."""
    wanted = set(text.replace("+", " ").split()) or {"read"}
    if not wanted <= SCOPES:
        raise Invalid("scope", N_("There is no such scope: %(name)s"), "scope", name=sorted(wanted - SCOPES)[0][:50])
    return " ".join(sorted(wanted))


def is_within(wanted: str | Iterable[str], granted: str) -> bool:
    """Say whether every wanted scope is granted, itself or by its part before the colon."""
    has = set(granted.split())
    names = wanted.split() if isinstance(wanted, str) else wanted
    return all(name in has or name.partition(":")[0] in has for name in names)


def _make_token(
    session: Session, app_id: int | None, code_id: int | None, member_id: int | None, scopes: str, now: datetime
) -> tuple[str, AccessToken]:
    secret = new_secret()
    whose = {"app_id": app_id, "code_id": code_id, "member_id": member_id}
    token = AccessToken(id=new_id(now), token_hash=digest(secret), scopes=scopes, created_at=now, **whose)
    session.add(token)
    session.flush()
    return secret, token


def _wrong_client() -> NotAllowed:
    return NotAllowed("invalid_client", N_("The app is not known here, or its secret is wrong."), "client_id")


def _is_secret_of(app: ClientApp, secret: str) -> bool:
    return hmac.compare_digest(app.secret_hash, digest(secret))


def _proves(verifier: str, challenge: str | None) -> bool:
    """RFC 7636 4.6: BASE64URL(SHA256(verifier)) is the challenge."""
    if challenge is None or not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)


def _is_redirect(uri: str) -> bool:
    """Say whether a redirect URI leads to an app and nothing else: https, http on the app's own machine, or its own scheme."""
    if uri == OUT_OF_BAND:
        return True
    if len(uri) > 2048 or not uri.isprintable() or "\\" in uri or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if "@" in parts.netloc:
        return False
    if parts.scheme in ("http", "https"):
        return bool(host) and (parts.scheme == "https" or host in LOOPBACK)
    return _is_private_use(parts.scheme, uri.partition(":")[2])


def _is_private_use(scheme: str, rest: str) -> bool:
    """RFC 8252 7.1 wants a scheme with a dot (com.example.app:/back). Most clients have one without, like tusky://: then
    with the slashes, and none that a browser or a system takes for something else."""
    if "." in scheme:
        return bool(rest)
    return bool(scheme) and rest.startswith("//") and scheme not in TAKEN_SCHEMES and not scheme.startswith(TAKEN_PREFIXES)


def _is_page(uri: str) -> bool:
    try:
        origin(uri)
    except Malformed:
        return False
    return True
