"""What counts as ActivityStreams by its content type (abuse cases A11, P18)."""

import json

import pytest

from federation import vocabulary
from federation.errors import WrongMediaType

PROFILE = "https://www.w3.org/ns/activitystreams"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/activity+json",
        "Application/Activity+JSON",
        "application/activity+json; charset=utf-8",
        'application/activity+json;charset="UTF-8"',
        "application/activity+json;",
        f'application/ld+json; profile="{PROFILE}"',
        f'application/ld+json;profile="{PROFILE}";charset=utf-8',
        f'application/ld+json; profile="https://example.org/other {PROFILE}"',
        f"application/ld+json; profile={PROFILE}",
    ],
)
def test_activitystreams_is_taken(content_type: str) -> None:
    assert vocabulary.is_activity_media_type(content_type)
    vocabulary.require_activity_media_type(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "text/html", "application/json", "image/png", "application/ld+json",
        'application/ld+json; profile="https://example.org/other"', f'text/plain; profile="{PROFILE}"',
        "application/activity+json; charset=utf-7", "application/activity+json; charset=utf-16",
        "application/activity+json; charset", "application/activity+json; a=1; a=2", "application/activity+json, text/html",
        "multipart/form-data; boundary=application/activity+json", "application/activity+json" + " " * 500,
    ],
)  # fmt: skip
def test_anything_else_is_refused(content_type: str | None) -> None:
    assert not vocabulary.is_activity_media_type(content_type)
    with pytest.raises(WrongMediaType):
        vocabulary.require_activity_media_type(content_type)


def test_the_contexts_are_json_and_define_what_we_send() -> None:
    assert json.loads(json.dumps(vocabulary.CONTEXT))[0] == vocabulary.AS2
    terms = json.loads(json.dumps(vocabulary.ACTOR_CONTEXT))[-1]
    assert {
        "featured",
        "discoverable",
        "indexable",
        "manuallyApprovesFollowers",
        "PropertyValue",
        "assertionMethod",
    } <= terms.keys()


def test_the_types_do_not_overlap() -> None:
    assert not vocabulary.ACTOR_TYPES & (vocabulary.ACTIVITY_TYPES | vocabulary.POST_TYPES)
    shared = vocabulary.ACTIVITY_TYPES & vocabulary.POST_TYPES
    assert shared == {"Question"}
