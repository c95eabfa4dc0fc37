"""Actors of peers and ours (abuse cases S12, S13, A12; FEP-fe34, FEP-521a, FEP-2c59, FEP-5feb)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from federation.actors import PublicKeyRecord, actor_document, key_owner, read_actor
from federation.document import Document, parse
from federation.errors import FederationError, KeyNotOwned, Malformed, NotAuthorized
from federation.keys import KeyAlgorithm, encode_multikey, generate_ed25519, generate_rsa, load_public
from federation.parts import Emoji

ADA = "https://a.test/users/ada"
RSA = generate_rsa().public_pem
ED25519 = generate_ed25519().public_pem
HOSTILE = (None, 0, True, "", [], {}, [[]], [None], "x" * 100_000)
MASTODON: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1", {"toot": "http://joinmastodon.org/ns#"}],
    "id": ADA,
    "type": "Person",
    "preferredUsername": "ada",
    "name": "Ada :duck:",
    "summary": "<p>Hello</p>",
    "url": "https://a.test/@ada",
    "inbox": ADA + "/inbox",
    "outbox": ADA + "/outbox",
    "followers": ADA + "/followers",
    "following": ADA + "/following",
    "featured": ADA + "/collections/featured",
    "endpoints": {"sharedInbox": "https://a.test/inbox"},
    "publicKey": {"id": ADA + "#main-key", "owner": ADA, "publicKeyPem": RSA},
    "manuallyApprovesFollowers": True,
    "discoverable": True,
    "indexable": False,
    "published": "2024-01-01T00:00:00Z",
    "alsoKnownAs": ["https://old.test/ada"],
    "movedTo": "https://new.test/ada",
    "webfinger": "ada@a.test",
    "icon": {"type": "Image", "mediaType": "image/png", "url": "https://files.a.test/ada.png"},
    "image": {"type": "Image", "url": ["https://files.a.test/header.png"]},
    "attachment": [{"type": "PropertyValue", "name": "Web", "value": "<a href='https://a.test'>a</a>"}],
    "tag": [{"type": "Emoji", "name": ":duck:", "icon": {"type": "Image", "url": "https://files.a.test/duck.png"}}],
}  # fmt: skip


def actor(**changes: Any) -> Document:
    return parse(json.dumps({**MASTODON, **changes}).encode())


def test_an_actor_as_mastodon_sends_it_is_read() -> None:
    ada = read_actor(actor(), ADA)
    assert (ada.id, ada.type, ada.preferred_username, ada.name) == (ADA, "Person", "ada", "Ada :duck:")
    assert (ada.inbox, ada.shared_inbox, ada.outbox) == (ADA + "/inbox", "https://a.test/inbox", ADA + "/outbox")
    assert (ada.followers, ada.following) == (ADA + "/followers", ADA + "/following")
    assert ada.featured == ADA + "/collections/featured"
    assert (ada.icon, ada.image) == ("https://files.a.test/ada.png", "https://files.a.test/header.png")
    assert ada.fields == (("Web", "<a href='https://a.test'>a</a>"),)
    assert (ada.manually_approves_followers, ada.discoverable, ada.indexable) == (True, True, False)
    assert (ada.also_known_as, ada.moved_to) == (("https://old.test/ada",), "https://new.test/ada")
    assert (ada.webfinger, ada.url) == ("ada@a.test", "https://a.test/@ada")
    assert ada.published == datetime(2024, 1, 1, tzinfo=UTC)
    assert ada.emojis == (Emoji("duck", "https://files.a.test/duck.png"),)
    assert ada.public_keys == (PublicKeyRecord(ADA + "#main-key", ADA, KeyAlgorithm.RSA, RSA),)
    assert ada.key(ADA + "#main-key") is not None
    assert ada.key(ADA + "#other") is None


def test_a_group_names_its_moderators() -> None:
    lemmy = actor(type="Group", attributedTo="https://a.test/c/x/moderators", postingRestrictedToMods=False)
    assert read_actor(lemmy, ADA).moderators == "https://a.test/c/x/moderators"
    assert read_actor(actor(type="Group", moderators="https://b.test/m"), ADA).moderators is None
    assert read_actor(actor(attributedTo="https://a.test/x"), ADA).moderators is None


def test_keys_may_be_many_and_multikeys() -> None:
    multikey = {
        "id": ADA + "#ed25519-key", "type": "Multikey", "controller": ADA,
        "publicKeyMultibase": encode_multikey(load_public(ED25519)),
    }  # fmt: skip
    keys = read_actor(
        actor(publicKey=[MASTODON["publicKey"], {"id": ADA + "#2", "publicKeyPem": ED25519}], assertionMethod=[multikey]), ADA
    ).public_keys
    assert [(key.key_id, key.algorithm) for key in keys] == [
        (ADA + "#main-key", KeyAlgorithm.RSA), (ADA + "#2", KeyAlgorithm.ED25519), (ADA + "#ed25519-key", KeyAlgorithm.ED25519)
    ]  # fmt: skip
    assert keys[2].pem == ED25519


@pytest.mark.parametrize(
    "key",
    [
        {"id": ADA + "#main-key", "owner": "https://victim.test/alice", "publicKeyPem": RSA},
        {"id": "https://victim.test/alice#main-key", "owner": ADA, "publicKeyPem": RSA},
        {"id": ADA + "#main-key", "owner": "garbage", "publicKeyPem": RSA},
        {"id": ADA + "#main-key", "owner": 5, "publicKeyPem": RSA},
    ],
)
def test_a_key_of_another_origin_is_refused(key: dict[str, Any]) -> None:
    with pytest.raises(KeyNotOwned) as refused:
        read_actor(actor(publicKey=key), ADA)
    assert refused.value.key_id == key["id"]


@pytest.mark.parametrize(
    "key",
    [
        {"id": ADA + "#main-key", "owner": "https://a.test/users/eve", "publicKeyPem": RSA},
        {"id": ADA + "#main-key", "owner": ADA, "publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
        {"id": ADA + "#main-key", "owner": ADA, "publicKeyPem": "ü"},
        {"id": ADA + "#main-key", "owner": ADA},
        {"id": None, "owner": ADA, "publicKeyPem": RSA},
        "https://a.test/key",
        None,
    ],
)
def test_a_key_that_is_not_the_actors_or_not_a_key_is_left_out(key: object) -> None:
    assert read_actor(actor(publicKey=key), ADA).public_keys == ()


def test_the_id_is_the_url_it_was_read_from() -> None:
    assert read_actor(actor(), "https://A.test:443/users/ada#main-key").id == ADA
    for url in ("https://evil.test/users/ada", "https://a.test/users/eve", ADA + "?x", "garbage"):
        with pytest.raises(NotAuthorized) as refused:
            read_actor(actor(), url)
        assert refused.value.code == "id_differs_from_url"


@pytest.mark.parametrize("name", ["inbox", "outbox"])
def test_boxes_on_another_origin_are_refused(name: str) -> None:
    with pytest.raises(NotAuthorized):
        read_actor(actor(**{name: "https://victim.test/inbox"}), ADA)


def test_other_collections_of_another_origin_are_left_out() -> None:
    elsewhere = "https://victim.test/x"
    read = read_actor(
        actor(endpoints={"sharedInbox": elsewhere}, followers=elsewhere, following=elsewhere, featured=elsewhere), ADA
    )
    assert (read.shared_inbox, read.followers, read.following, read.featured) == (None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "Note"}, "not_an_actor"), ({"type": None}, "not_an_actor"), ({"id": None}, "no_id"),
        ({"inbox": None}, "no_inbox"),
        ({"preferredUsername": "a@victim.test"}, "bad_username"), ({"preferredUsername": "a/../b"}, "bad_username"),
        ({"preferredUsername": "a\u202eb"}, "bad_username"), ({"preferredUsername": "a b"}, "bad_username"),
        ({"preferredUsername": "x" * 300}, "bad_username"),
    ],
)  # fmt: skip
def test_what_is_no_actor_is_malformed(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_actor(actor(**changes), ADA)
    assert refused.value.code == code


def test_an_actor_without_a_name_bears_that_of_its_host() -> None:
    assert read_actor(actor(type="Application", preferredUsername=None), ADA).preferred_username == "a.test"


def test_what_is_too_much_is_left_out() -> None:
    read = read_actor(
        actor(
            name="n" * 10_000,
            summary="s" * 100_000,
            attachment=[{"type": "PropertyValue", "name": "n", "value": "v"}] * 10_000,
            alsoKnownAs=[f"https://a.test/{number}" for number in range(10_000)],
        ),
        ADA,
    )
    assert (len(read.name or ""), len(read.summary or ""), len(read.fields), len(read.also_known_as)) == (2048, 20_480, 20, 20)


@pytest.mark.parametrize("field", MASTODON)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:12])
def test_hostile_values_are_read_or_refused(field: str, value: object) -> None:
    try:
        read_actor(actor(**{field: value}), ADA)
    except FederationError:
        return


def test_a_key_document_claims_an_owner() -> None:
    key = MASTODON["publicKey"]
    assert key_owner(actor(), key["id"]) == ADA
    assert key_owner(Document({"id": ADA, "type": "Person", "publicKey": key}), key["id"]) == ADA
    assert key_owner(Document(key), key["id"]) == ADA
    assert key_owner(Document({"id": "https://a.test/k", "type": "Multikey", "controller": ADA}), "https://a.test/k") == ADA
    assert key_owner(Document({"publicKey": key}), key["id"]) == ADA
    assert key_owner(Document(key), "https://a.test/other") is None
    assert key_owner(Document({}), key["id"]) is None


def test_an_actor_we_write_can_be_read() -> None:
    keys = (
        PublicKeyRecord(ADA + "#main-key", ADA, KeyAlgorithm.RSA, RSA),
        PublicKeyRecord(ADA + "#ed25519-key", ADA, KeyAlgorithm.ED25519, ED25519),
    )
    written = actor_document(
        id=ADA, type="Group", preferred_username="ada", inbox=ADA + "/inbox", outbox=ADA + "/outbox", public_keys=keys,
        name="Ada", summary="<p>Hello</p>", url="https://a.test/@ada", followers=ADA + "/followers",
        following=ADA + "/following", featured=ADA + "/featured", shared_inbox="https://a.test/inbox",
        icon=("https://a.test/i.png", "image/png"), image=("https://a.test/h.png", "image/png"), fields=[("Web", "a")],
        manually_approves_followers=True, discoverable=True, indexable=True, published=datetime(2026, 1, 1, tzinfo=UTC),
        updated=datetime(2026, 1, 2, tzinfo=UTC), also_known_as=["https://b.test/ada"], moved_to="https://c.test/ada",
        webfinger="ada@a.test", moderators=ADA + "/moderators", posting_restricted_to_mods=False,
        emojis=[Emoji("duck", "https://a.test/duck.png")],
    )  # fmt: skip
    read = read_actor(parse(json.dumps(written).encode()), ADA)
    assert read.public_keys == keys
    assert (read.type, read.name, read.fields, read.featured) == ("Group", "Ada", (("Web", "a"),), ADA + "/featured")
    assert (read.manually_approves_followers, read.discoverable, read.indexable) == (True, True, True)
    assert (read.moderators, read.moved_to, read.webfinger) == (ADA + "/moderators", "https://c.test/ada", "ada@a.test")
    assert written["publicKey"] == {"id": ADA + "#main-key", "owner": ADA, "publicKeyPem": RSA}
    assert [key["type"] for key in written["assertionMethod"]] == ["Multikey"]
    assert written["endpoints"] == {"sharedInbox": "https://a.test/inbox"}


def test_a_bare_actor_says_only_what_there_is() -> None:
    written = actor_document(
        id=ADA, type="Application", preferred_username="a.test", inbox=ADA + "/inbox", outbox=ADA + "/outbox", public_keys=[]
    )
    assert None not in written.values()
    assert {"name", "summary", "icon", "endpoints", "attachment", "publicKey", "tag", "movedTo"}.isdisjoint(written)
