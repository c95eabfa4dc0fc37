"""Names and media types of ActivityStreams 2.0 and of the dialects we speak. Constants; no reading, no writing."""

import re
from functools import lru_cache

from federation.errors import WrongMediaType

AS2 = "https://www.w3.org/ns/activitystreams"
PUBLIC = AS2 + "#Public"
# ActivityPub 5.6: a compacted document may spell the public collection in these ways, too.
PUBLIC_NAMES = frozenset({PUBLIC, "as:Public", "Public"})

ACTOR_TYPES = frozenset({"Person", "Group", "Organization", "Service", "Application"})
POST_TYPES = frozenset({"Note", "Article", "Page", "Question", "Event", "Image", "Video", "Audio"})
ACTIVITY_TYPES = frozenset(
    {
        "Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "Flag", "Follow", "Ignore",
        "Invite", "Join", "Leave", "Like", "Listen", "Move", "Offer", "Question", "Read", "Reject", "Remove",
        "TentativeAccept", "TentativeReject", "Travel", "Undo", "Update", "View",
        "EmojiReact",  # FEP-c0e0
    }
)  # fmt: skip
COLLECTION_TYPES = frozenset({"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"})

MEDIA_TYPE = "application/activity+json"
LD_MEDIA_TYPE = f'application/ld+json; profile="{AS2}"'
JRD_MEDIA_TYPE = "application/jrd+json"
ACCEPT = f"{MEDIA_TYPE}, {LD_MEDIA_TYPE}"

SECURITY = "https://w3id.org/security/v1"
MULTIKEY = "https://w3id.org/security/multikey/v1"

# Every term is defined in the document itself: a reader needs no context but the two or three well-known ones.
_TERMS: dict[str, object] = {
    "toot": "http://joinmastodon.org/ns#",
    "schema": "http://schema.org#",
    "sensitive": "as:sensitive",
    "Hashtag": "as:Hashtag",
    "Emoji": "toot:Emoji",
    "blurhash": "toot:blurhash",
    "votersCount": "toot:votersCount",
    "ostatus": "http://ostatus.org#",
    "conversation": "ostatus:conversation",
}
_ACTOR_TERMS: dict[str, object] = {
    "toot": "http://joinmastodon.org/ns#",
    "schema": "http://schema.org#",
    "PropertyValue": "schema:PropertyValue",
    "value": "schema:value",
    "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
    "movedTo": {"@id": "as:movedTo", "@type": "@id"},
    "alsoKnownAs": {"@id": "as:alsoKnownAs", "@type": "@id"},
    "featured": {"@id": "toot:featured", "@type": "@id"},
    "featuredTags": {"@id": "toot:featuredTags", "@type": "@id"},
    "discoverable": "toot:discoverable",
    "indexable": "toot:indexable",
    "suspended": "toot:suspended",
    "Emoji": "toot:Emoji",
    "Hashtag": "as:Hashtag",
    "lemmy": "https://join-lemmy.org/ns#",
    "moderators": {"@id": "lemmy:moderators", "@type": "@id"},
    "postingRestrictedToMods": "lemmy:postingRestrictedToMods",
    # FEP-521a; the Multikey context defines the keys, but not the property that lists them.
    "assertionMethod": {"@id": "https://w3id.org/security#assertionMethod", "@type": "@id", "@container": "@set"},
    "webfinger": "https://purl.archive.org/socialweb/webfinger#webfinger",  # FEP-2c59
}
CONTEXT: list[object] = [AS2, _TERMS]
ACTOR_CONTEXT: list[object] = [AS2, SECURITY, MULTIKEY, _ACTOR_TERMS]

_PARAMETER = re.compile(r'\s*;\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*)"|([^\s;",]*))')


def is_activity_media_type(content_type: str | None) -> bool:
    """Return True for `application/activity+json`, and for `application/ld+json` with the ActivityStreams profile.

    A charset other than UTF-8 is refused (ActivityStreams 2.0 section 2.1: JSON in UTF-8), as is a header that does
    not parse. Source: ActivityPub 3.2, FEP-fe34.
    """
    return content_type is not None and len(content_type) <= 400 and _is_activity_media_type(content_type)


@lru_cache(maxsize=256)
def _is_activity_media_type(content_type: str) -> bool:
    parsed = _split(content_type)
    if parsed is None:
        return False
    name, parameters = parsed
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        return False
    if name == MEDIA_TYPE:
        return True
    return name == "application/ld+json" and AS2 in parameters.get("profile", "").split()


def require_activity_media_type(content_type: str | None) -> None:
    """Raise WrongMediaType unless `is_activity_media_type(content_type)`."""
    if not is_activity_media_type(content_type):
        raise WrongMediaType("not an ActivityStreams media type", media_type=(content_type or "")[:100])


def _split(content_type: str) -> tuple[str, dict[str, str]] | None:
    name, semicolon, rest = content_type.partition(";")
    parameters: dict[str, str] = {}
    rest = semicolon + rest.rstrip("; \t")
    position = 0
    while position < len(rest):
        match = _PARAMETER.match(rest, position)
        if match is None:
            return None if rest.strip("; \t") else (name.strip().lower(), parameters)
        key = match[1].lower()
        if key in parameters:
            return None
        parameters[key] = match[2] if match[2] is not None else match[3]
        position = match.end()
    return name.strip().lower(), parameters
