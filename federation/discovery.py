"""How servers and people find each other: handles, WebFinger, host-meta, NodeInfo. Reads and writes; fetches nothing.

A handle is shown only when both directions hold: WebFinger at its host names the actor, and the actor's own name and
host, or its host's WebFinger, name the handle (`settle`). Sources: RFC 7033, RFC 7565, RFC 6415, FEP-2c59, FEP-f1d5,
FEP-0151, the SWICG report on ActivityPub and WebFinger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from federation.actors import is_username
from federation.document import MAX_ALIASES, NAME_LENGTH, Document
from federation.errors import LookupFailed, Malformed
from federation.origins import host_of, is_address, is_web_uri, normalise_host, same_origin
from federation.parts import count
from federation.vocabulary import MEDIA_TYPE, is_activity_media_type

PROFILE_PAGE = "http://webfinger.net/rel/profile-page"
SUBSCRIBE = "http://ostatus.org/schema/1.0/subscribe"
AVATAR = "http://webfinger.net/rel/avatar"
_NODEINFO = "http://nodeinfo.diaspora.software/ns/schema/"
_MAX_LINKS = 50
_MAX_HANDLE = 512
_SOFTWARE_LENGTH = 100


@dataclass(frozen=True)
class Handle:
    """`username@host`. The host is normalised; the username keeps its case."""

    username: str
    host: str

    def __str__(self) -> str:
        return f"{self.username}@{self.host}"

    @property
    def acct(self) -> str:
        """The handle as a URI (RFC 7565)."""
        return f"acct:{self}"

    def is_same(self, other: "Handle | None") -> bool:
        """Return True for the same handle, in whatever case."""
        return other is not None and str(self).casefold() == str(other).casefold()


@dataclass(frozen=True)
class JRD:
    """What WebFinger answered: the handle it speaks of (None when it says none that parses), and where the actor is."""

    subject: Handle | None
    actor_uri: str
    profile_url: str | None
    aliases: tuple[str, ...]
    subscribe_template: str | None


@dataclass(frozen=True)
class Software:
    """What NodeInfo says of a server. Numbers it leaves out are None."""

    name: str
    version: str
    protocols: tuple[str, ...]
    open_registrations: bool | None
    users: int | None
    active_month: int | None
    local_posts: int | None
    node_name: str | None


def parse_handle(text: str, *, allow_address: bool = False) -> Handle:
    """Return the Handle in `@ada@example.org`, `acct:ada@example.org` or `ada@example.org`, host with or without port.

    Raises Malformed for anything more (a path, a query, a second @, white space, control characters) and, unless
    `allow_address`, for a host that is an IP address (abuse case F16).
    """
    if not isinstance(text, str) or len(text) > _MAX_HANDLE:
        raise Malformed("not a handle", code="bad_handle")
    name, at, host = text.removeprefix("acct:").removeprefix("@").partition("@")
    if not at or not is_username(name):
        raise Malformed("not a handle", code="bad_handle")
    try:
        host = normalise_host(host)
    except Malformed as error:
        raise Malformed("the handle's host is not one", code="bad_handle") from error
    if is_address(host) and not allow_address:
        raise Malformed("a handle names a host, not an address", code="bad_handle")
    return Handle(name, host)


def handle_to_ask(actor_id: str, preferred_username: str, webfinger: str | None = None) -> Handle:
    """Return the handle by which to look up an actor that was found by its id.

    That is what the actor says of itself (FEP-2c59) when the name agrees, or else its name at the host of its id; it
    holds only when WebFinger names the actor. Raises Malformed when the actor has no possible handle.
    """
    if webfinger:
        try:
            stated = parse_handle(webfinger, allow_address=True)
        except Malformed:
            stated = None
        if stated is not None and stated.username.casefold() == preferred_username.casefold():
            return stated
    return parse_handle(f"{preferred_username}@{host_of(actor_id)}", allow_address=True)


def webfinger_url(handle: Handle, *, scheme: str = "https") -> str:
    """Return where to ask for a handle (RFC 7033 section 4)."""
    return f"{scheme}://{handle.host}/.well-known/webfinger?resource={quote(handle.acct, safe='')}"


def read_jrd(document: Document | Mapping[str, Any], asked: Handle) -> JRD:
    """Return what a WebFinger answer to `asked` says. Raises LookupFailed when it names no actor.

    The `subject` may be another handle than the one asked for, and may be a lie: see `settle`.
    """
    document = document if isinstance(document, Document) else Document(document)
    actor: str | None = None
    profile: str | None = None
    template: str | None = None
    for link in document.documents("links", _MAX_LINKS):
        relation, href = link.text("rel"), link.uri("href")
        if relation == "self" and href and is_activity_media_type(link.text("type")):
            actor = actor or href
        elif relation == PROFILE_PAGE and href:
            profile = profile or href
        elif relation == SUBSCRIBE:
            template = template or _template(link.text("template"))
    if actor is None:
        raise LookupFailed(f"WebFinger names no actor for {asked}", code="no_actor_link")
    return JRD(
        subject=_subject(document.text("subject", _MAX_HANDLE)),
        actor_uri=actor,
        profile_url=profile,
        aliases=document.uris("aliases", MAX_ALIASES),
        subscribe_template=template,
    )


def must_ask_again(asked: Handle, answer: JRD) -> bool:
    """Return True when the answer speaks of another handle: that one's host has to be asked before it is believed."""
    return answer.subject is not None and not asked.is_same(answer.subject)


def settle(asked: Handle, answer: JRD, second: JRD | None = None) -> Handle:
    """Return the handle under which the actor is shown.

    It is the answer's subject when that was asked for, or when `second`, the answer of the subject's own host, names
    the same subject and the same actor. Otherwise it is the handle asked for: nobody gets a name at a host that does
    not vouch for it (abuse case A17).
    """
    subject = answer.subject
    if subject is None:
        return asked
    if asked.is_same(subject):
        return Handle(subject.username, asked.host)
    if second is not None and subject.is_same(second.subject) and second.actor_uri == answer.actor_uri:
        return subject
    return asked


def require_both_ways(handle: Handle, answer: JRD, actor_id: str, preferred_username: str) -> None:
    """Raise LookupFailed unless WebFinger names exactly this actor, and the actor bears the handle's name."""
    if answer.actor_uri != actor_id:
        raise LookupFailed(f"WebFinger for {handle} names another actor", code="another_actor")
    if handle.username.casefold() != preferred_username.casefold():
        raise LookupFailed(f"the actor found for {handle} has another name", code="another_name")


def webfinger_document(
    handle: Handle,
    actor_uri: str,
    *,
    profile_url: str | None = None,
    subscribe_template: str | None = None,
    avatar: tuple[str, str] | None = None,
    aliases: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the JRD for one of our actors. `avatar` is (URL, media type); the template contains `{uri}`."""
    links: list[dict[str, str]] = [{"rel": "self", "type": MEDIA_TYPE, "href": actor_uri}]
    if profile_url:
        links.append({"rel": PROFILE_PAGE, "type": "text/html", "href": profile_url})
    if subscribe_template:
        links.append({"rel": SUBSCRIBE, "template": subscribe_template})
    if avatar:
        links.append({"rel": AVATAR, "type": avatar[1], "href": avatar[0]})
    known_as = dict.fromkeys((*aliases, *([profile_url] if profile_url else []), actor_uri))
    return {"subject": handle.acct, "aliases": list(known_as), "links": links}


def host_meta_xml(origin: str) -> str:
    """Return the host-meta document (RFC 6415), which tells where WebFinger is. `origin` has no trailing slash."""
    template = quoteattr(f"{origin}/.well-known/webfinger?resource={{uri}}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" type="application/jrd+json" template={template}/>\n'
        "</XRD>\n"
    )


def nodeinfo_links(origin: str) -> dict[str, Any]:
    """Return the document at `/.well-known/nodeinfo`; `origin` has no trailing slash. It names the node's own actor, too."""
    return {
        "links": [
            {"rel": _NODEINFO + "2.1", "href": f"{origin}/nodeinfo/2.1"},
            # FEP-2677: the instance actor is found here.
            {"rel": "https://www.w3.org/ns/activitystreams#Application", "href": f"{origin}/actor"},
        ]
    }


def nodeinfo_21(
    *,
    name: str,
    version: str,
    open_registrations: bool,
    users_total: int | None = None,
    users_active_month: int | None = None,
    users_active_halfyear: int | None = None,
    local_posts: int | None = None,
    local_comments: int | None = None,
    node_name: str | None = None,
    node_description: str | None = None,
    repository: str | None = None,
    homepage: str | None = None,
) -> dict[str, Any]:
    """Return our NodeInfo 2.1. What is None is left out: a closed node says nothing rather than zero (FEP-0151)."""
    users = {"total": users_total, "activeMonth": users_active_month, "activeHalfyear": users_active_halfyear}
    usage = {"users": _said(users), "localPosts": local_posts, "localComments": local_comments}
    software = {"name": name, "version": version, "repository": repository, "homepage": homepage}
    return {
        "version": "2.1",
        "software": _said(software),
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": open_registrations,
        "usage": _said(usage),
        "metadata": _said({"nodeName": node_name, "nodeDescription": node_description}),
    }


def read_nodeinfo_links(document: Document, asked: str) -> str | None:
    """Return the URL of the best NodeInfo document named, only on the origin `asked` itself; None when there is none."""
    found: dict[str, str] = {}
    for link in document.documents("links", _MAX_LINKS):
        relation, href = link.text("rel") or "", link.uri("href")
        if href and relation.startswith(_NODEINFO) and same_origin(href, asked):
            found.setdefault(relation.removeprefix(_NODEINFO), href)
    return next((found[version] for version in ("2.1", "2.0", "1.1", "1.0") if version in found), None)


def read_nodeinfo(document: Document) -> Software:
    """Return what a NodeInfo document says. Raises Malformed when it names no software."""
    software = document.document("software")
    name = software.text("name", _SOFTWARE_LENGTH) if software else None
    if software is None or not name:
        raise Malformed("NodeInfo names no software", code="no_software")
    usage = document.document("usage") or Document({})
    users = usage.document("users") or Document({})
    metadata = document.document("metadata") or Document({})
    protocols = document.raw.get("protocols")
    is_said = isinstance(document.raw.get("openRegistrations"), bool)
    return Software(
        name=name.lower(),
        version=software.text("version", _SOFTWARE_LENGTH) or "",
        protocols=tuple(one[:_SOFTWARE_LENGTH] for one in protocols[:20] if isinstance(one, str))
        if isinstance(protocols, list)
        else (),
        open_registrations=document.flag("openRegistrations") if is_said else None,
        users=count(users, "total"),
        active_month=count(users, "activeMonth"),
        local_posts=count(usage, "localPosts"),
        node_name=metadata.text("nodeName", NAME_LENGTH),
    )


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _subject(text: str | None) -> Handle | None:
    try:
        return parse_handle(text or "", allow_address=True)
    except Malformed:
        return None


def _template(text: str | None) -> str | None:
    """Return a subscribe template when what it makes is an http(s) URL."""
    if text is None or "{uri}" not in text:
        return None
    return text if is_web_uri(text.replace("{uri}", "acct%3Aa%40example.org")) else None
