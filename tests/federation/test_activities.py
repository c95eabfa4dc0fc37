"""What happened, read from peers and written by us (abuse cases A01-A06, A23, P08, P10)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from federation import activities
from federation.activities import read_activity, require_own
from federation.document import Document, parse
from federation.errors import FederationError, Malformed, NotAuthorized
from federation.objects import note_document, read_object, require_author
from federation.vocabulary import AS2, CONTEXT, PUBLIC

EVIL = "https://evil.test/users/mallory"
VICTIM = "https://victim.test/users/alice"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
HOSTILE = (None, 0, True, "", [], {}, [[]], [None], "x" * 100_000)
FIELDS = (
    "id", "type", "actor", "object", "target", "to", "cc", "published", "updated", "attributedTo", "content", "tag",
    "attachment", "inReplyTo", "url", "name", "summary", "contentMap", "replies", "oneOf", "endTime", "location", "icon",
    "source", "mediaType", "quote", "sensitive", "context", "audience", "votersCount",
)  # fmt: skip


def create(**changes: Any) -> dict[str, Any]:
    note = {"id": "https://evil.test/1", "type": "Note", "attributedTo": EVIL, "to": PUBLIC, "content": "<p>hi</p>"}
    object_changes = changes.pop("object", {})
    activity = {"id": "https://evil.test/1#create", "type": "Create", "actor": EVIL, "to": PUBLIC}
    return {**activity, "object": {**note, **object_changes}, **changes}


def test_an_activity_is_read() -> None:
    activity = read_activity(Document(create(published="2026-11-20T10:00:00Z", target="https://evil.test/t")))
    assert (activity.id, activity.type, activity.actor) == ("https://evil.test/1#create", "Create", EVIL)
    assert activity.object_uri == "https://evil.test/1"
    assert activity.object is not None
    assert activity.object.is_a("Note")
    assert (activity.target, activity.published, activity.addressing.is_public) == ("https://evil.test/t", NOW, True)


def test_actor_and_object_may_be_embedded_or_ids() -> None:
    raw = {"type": ["Like", "http://schema.org/LikeAction"], "actor": [{"id": EVIL}], "object": ["https://a.test/1"]}
    activity = read_activity(Document(raw))
    assert (activity.id, activity.type, activity.actor, activity.object) == (None, "Like", EVIL, None)
    assert activity.object_uri == "https://a.test/1"
    assert activity.is_known


@pytest.mark.parametrize(
    "raw",
    [
        {}, {"type": "Like"}, {"actor": EVIL}, {"type": 5, "actor": EVIL}, {"type": "Like", "actor": "x"},
        {"type": "Like", "actor": EVIL + "x" * 2048}, {"type": "Like", "actor": EVIL + "é" * 1024},
    ],
)  # fmt: skip
def test_without_type_or_actor_it_is_malformed(raw: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_activity(Document(raw))


@pytest.mark.parametrize("kind", ["Unheard", "__class__", "__x", ["__x", "Unheard"]])
def test_an_unknown_type_is_read_and_known_to_be_unknown(kind: object) -> None:
    assert not read_activity(Document({"type": kind, "actor": EVIL})).is_known


def test_the_huge_type_is_none() -> None:
    with pytest.raises(Malformed):
        read_activity(Document({"type": "x" * 1_000_000, "actor": EVIL}))


def test_what_is_own_passes() -> None:
    require_own(read_activity(Document(create())))
    require_own(read_activity(Document(create(object={"attributedTo": [{"id": EVIL}]}))))
    require_own(read_activity(Document({"type": "Delete", "actor": EVIL, "object": EVIL})))
    require_own(read_activity(Document({"type": "Like", "actor": EVIL, "object": "https://victim.test/1"})))
    require_own(read_activity(Document({"type": "Update", "actor": EVIL, "object": {"id": EVIL, "type": "Person"}})))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (create(object={"attributedTo": VICTIM}), "attributed_to_another"),
        (create(object={"attributedTo": [VICTIM, EVIL]}), "attributed_to_another"),
        (create(object={"attributedTo": None}), "attributed_to_another"),
        (create(object={"id": "https://victim.test/1"}), "object_of_another_origin"),
        (create(type="Update", object={"id": "https://victim.test/1"}), "object_of_another_origin"),
        (create(id="https://victim.test/1#create"), "id_of_another_origin"),
        ({"type": "Delete", "actor": EVIL, "object": "https://victim.test/1"}, "object_of_another_origin"),
        ({"type": "Update", "actor": EVIL, "object": {"id": EVIL + "2", "type": "Person"}}, "another_actor"),
    ],
)
def test_who_speaks_for_others_is_refused(raw: dict[str, Any], code: str) -> None:
    with pytest.raises(NotAuthorized) as refused:
        require_own(read_activity(Document(raw)))
    assert refused.value.code == code


def test_the_ids_an_activity_makes_up_are_known() -> None:
    assert read_activity(Document(create())).claimed_ids == ("https://evil.test/1#create", "https://evil.test/1")
    accept = {"id": "https://evil.test/a", "type": "Accept", "actor": EVIL, "object": "https://node.test/follows/1"}
    assert read_activity(Document(accept)).claimed_ids == ("https://evil.test/a",)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:12])
def test_hostile_values_are_read_or_refused(field: str, value: object) -> None:
    inside = create()
    inside["object"][field] = value
    for raw in ({**create(), field: value}, inside):
        try:
            activity = read_activity(parse(json.dumps(raw).encode()))
            require_own(activity)
            if activity.object is not None:
                require_author(read_object(activity.object, fallback=activity.addressing), activity.actor)
        except FederationError:
            continue


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("create", {"object": {"id": EVIL + "/1", "type": "Note"}}),
        ("update", {"object": {"id": EVIL + "/1", "type": "Note"}}),
        ("delete", {"object": EVIL + "/1"}),
        ("follow", {"object": VICTIM}),
        ("accept", {"object": {"id": VICTIM + "#f", "type": "Follow", "actor": VICTIM, "object": EVIL}}),
        ("reject", {"object": VICTIM + "#f"}),
        ("undo", {"object": {"id": EVIL + "#f", "type": "Follow", "actor": EVIL, "object": VICTIM}}),
        ("like", {"object": VICTIM + "/1"}),
        ("announce", {"object": VICTIM + "/1"}),
        ("block", {"object": VICTIM}),
        ("add", {"object": EVIL + "/1", "target": EVIL + "/featured"}),
        ("remove", {"object": EVIL + "/1", "target": EVIL + "/featured"}),
        ("move", {"object": EVIL, "target": VICTIM}),
    ],
)
def test_each_verb_writes_what_can_be_read(verb: str, arguments: dict[str, Any]) -> None:
    write = getattr(activities, verb)
    written = write(id=EVIL + "#1", actor=EVIL, to=[VICTIM], cc=[PUBLIC], published=NOW, **arguments)
    activity = read_activity(parse(json.dumps(written).encode()))
    assert (activity.id, activity.type.lower(), activity.actor, activity.published) == (EVIL + "#1", verb, EVIL, NOW)
    assert activity.addressing.everyone() == (VICTIM, PUBLIC)
    assert activity.object_uri is not None
    assert activity.target == arguments.get("target")
    assert written["@context"] == AS2
    require_own(activity)


def test_a_flag_names_many() -> None:
    written = activities.flag(id=EVIL + "#1", actor=EVIL, object=[VICTIM, VICTIM + "/1"], content="spam")
    assert written["object"] == [VICTIM, VICTIM + "/1"]
    assert written["content"] == "spam"


def test_a_like_with_content_is_a_reaction_and_a_follow_is_addressed() -> None:
    assert activities.like(id=EVIL + "#1", actor=EVIL, object=VICTIM, content="🎉")["content"] == "🎉"
    assert activities.follow(id=EVIL + "#1", actor=EVIL, object=VICTIM)["to"] == [VICTIM]
    assert "to" not in activities.undo(id=EVIL + "#1", actor=EVIL, object=EVIL)


def test_the_context_of_an_object_moves_to_its_activity() -> None:
    note = note_document(id=EVIL + "/1", attributed_to=EVIL, content="<p>hi</p>", to=[PUBLIC])
    written = activities.create(id=EVIL + "/1#c", actor=EVIL, object=note, to=note["to"])
    assert written["@context"] == CONTEXT
    assert "@context" not in written["object"]
    assert "@context" in note
