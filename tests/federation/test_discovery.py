"""Handles, WebFinger, host-meta and NodeInfo (abuse cases A17, F16)."""

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation import discovery
from federation.discovery import Handle
from federation.document import Document
from federation.errors import LookupFailed, Malformed

ALICE = Handle("alice", "evil.test")
ACTOR = "https://evil.test/users/alice"


def answer(subject: str = "acct:alice@evil.test", actor: str = ACTOR, **more: Any) -> discovery.JRD:
    links = [{"rel": "self", "type": "application/activity+json", "href": actor}]
    return discovery.read_jrd({"subject": subject, "links": links, **more}, ALICE)


@pytest.mark.parametrize("text", ["@alice@evil.test", "alice@evil.test", "acct:alice@EVIL.test.", "alice@evil.test:443"])
def test_a_handle_has_three_forms(text: str) -> None:
    handle = discovery.parse_handle(text)
    assert handle == ALICE
    assert (str(handle), handle.acct) == ("alice@evil.test", "acct:alice@evil.test")


def test_a_handle_may_have_a_port_and_letters_of_any_script() -> None:
    assert discovery.parse_handle("@ada@localhost:8000").host == "localhost:8000"
    assert discovery.parse_handle("@jürgen@münchen.de") == Handle("jürgen", "xn--mnchen-3ya.de")
    assert discovery.parse_handle("ada@127.0.0.1:8000", allow_address=True).host == "127.0.0.1:8000"


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "alice", "@alice", "alice@", "@@evil.test", "acct:x@host:1234/secret?y#", "x@127.0.0.1", "x@[::1]",
        "x@127.1", "x@2130706433", "x@①②⑦.0.0.1", "x@a/../b", "x@evil.test\r\nHost: a", "x\r\n@evil.test", "x@evil.test#a",
        "x y@evil.test", "x@evil .test", "x@y@evil.test", "x/y@evil.test", "x\u202e@evil.test", "x@evil.test?a=b",
        "x" * 300 + "@evil.test", "x@" + "e" * 600, "x\x00@evil.test", "<b>@evil.test", "https://evil.test/@x",
    ],
)  # fmt: skip
def test_what_is_no_handle_is_malformed(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        discovery.parse_handle(text)
    assert refused.value.code == "bad_handle"


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_handle_or_malformed(text: str) -> None:
    try:
        handle = discovery.parse_handle(text + "@evil.test")
    except Malformed:
        return
    assert discovery.parse_handle(handle.acct) == handle
    assert discovery.webfinger_url(handle).startswith("https://evil.test/.well-known/webfinger?resource=acct%3A")


def test_usernames_stay_literal() -> None:
    for name in ("o'hara", "a%b", "a_b", "{{7*7}}"):
        handle = discovery.parse_handle(f"{name}@evil.test")
        assert handle.username == name
        assert "'" not in discovery.webfinger_url(handle)
    assert discovery.webfinger_url(ALICE, scheme="http").startswith("http://evil.test/")


def test_what_we_answer_can_be_read() -> None:
    ours = discovery.webfinger_document(
        ALICE,
        ACTOR,
        profile_url="https://evil.test/@alice",
        subscribe_template="https://evil.test/follow?uri={uri}",
        avatar=("https://evil.test/a.png", "image/png"),
    )
    assert discovery.read_jrd(Document(ours), ALICE) == discovery.JRD(
        subject=ALICE,
        actor_uri=ACTOR,
        profile_url="https://evil.test/@alice",
        aliases=("https://evil.test/@alice", ACTOR),
        subscribe_template="https://evil.test/follow?uri={uri}",
    )


@pytest.mark.parametrize(
    "links",
    [
        None, [], "x", [None], [{"rel": "self", "href": ACTOR}], [{"rel": "self", "type": "text/html", "href": ACTOR}],
        [{"rel": "self", "type": "application/activity+json", "href": "javascript:x"}],
        [{"rel": "other", "type": "application/activity+json", "href": ACTOR}],
    ],
)  # fmt: skip
def test_an_answer_without_an_actor_finds_nothing(links: object) -> None:
    with pytest.raises(LookupFailed):
        discovery.read_jrd({"subject": "acct:alice@evil.test", "links": links}, ALICE)


def test_a_subscribe_template_must_lead_to_the_web() -> None:
    for template in ("javascript:{uri}", "https://evil.test/", 5, None):
        links = [
            {"rel": "self", "type": 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', "href": ACTOR},
            {"rel": discovery.SUBSCRIBE, "template": template},
        ]
        assert discovery.read_jrd({"links": links}, ALICE).subscribe_template is None


def test_a_name_at_a_host_that_does_not_vouch_is_not_shown() -> None:
    lie = answer("acct:alice@victim.test")
    assert discovery.must_ask_again(ALICE, lie)
    assert discovery.settle(ALICE, lie) == ALICE
    theirs = answer("acct:alice@victim.test", "https://victim.test/users/alice")
    assert discovery.settle(ALICE, lie, theirs) == ALICE
    assert discovery.settle(ALICE, lie, answer("acct:other@victim.test")) == ALICE


def test_a_name_at_another_host_that_vouches_is_shown() -> None:
    vouched = answer("acct:alice@example.org")
    assert discovery.settle(ALICE, vouched, answer("acct:Alice@example.org")) == Handle("alice", "example.org")


def test_the_subject_decides_the_case_of_a_name() -> None:
    assert not discovery.must_ask_again(ALICE, answer("acct:Alice@EVIL.test"))
    assert discovery.settle(ALICE, answer("acct:Alice@EVIL.test")) == Handle("Alice", "evil.test")
    assert discovery.settle(ALICE, answer("garbage")) == ALICE


def test_handle_and_actor_must_name_each_other() -> None:
    discovery.require_both_ways(ALICE, answer(), ACTOR, "Alice")
    with pytest.raises(LookupFailed) as refused:
        discovery.require_both_ways(ALICE, answer(), "https://evil.test/users/bob", "alice")
    assert refused.value.code == "another_actor"
    with pytest.raises(LookupFailed) as refused:
        discovery.require_both_ways(ALICE, answer(), ACTOR, "bob")
    assert refused.value.code == "another_name"


def test_an_actor_found_by_id_is_looked_up_by_what_it_says_of_itself() -> None:
    assert discovery.handle_to_ask(ACTOR, "alice") == ALICE
    assert discovery.handle_to_ask(ACTOR, "alice", "alice@example.org") == Handle("alice", "example.org")
    assert discovery.handle_to_ask(ACTOR, "alice", "ceo@victim.test") == ALICE
    assert discovery.handle_to_ask(ACTOR, "alice", "garbage") == ALICE


def test_host_meta_is_xml_that_names_webfinger() -> None:
    root = ElementTree.fromstring(discovery.host_meta_xml("https://evil.test").encode())
    assert root[0].attrib["template"] == "https://evil.test/.well-known/webfinger?resource={uri}"


def test_nodeinfo_leaves_out_what_is_not_said() -> None:
    closed = discovery.nodeinfo_21(name="courtyard", version="1.0", open_registrations=False)
    assert closed["usage"] == {"users": {}}
    read = discovery.read_nodeinfo(Document(closed))
    assert (read.name, read.users, read.local_posts, read.open_registrations) == ("courtyard", None, None, False)
    said = discovery.nodeinfo_21(name="courtyard", version="1.0", open_registrations=True, users_total=0, node_name="N")
    assert discovery.read_nodeinfo(Document(said)).users == 0
    assert discovery.read_nodeinfo(Document(said)).node_name == "N"


def test_nodeinfo_is_taken_from_the_host_itself() -> None:
    links = Document(discovery.nodeinfo_links("https://evil.test"))
    assert discovery.read_nodeinfo_links(links, "https://evil.test/") == "https://evil.test/nodeinfo/2.1"
    assert discovery.read_nodeinfo_links(links, "https://other.test/") is None
    assert discovery.read_nodeinfo_links(Document({"links": [None, 5, {"rel": 5}]}), "https://evil.test/") is None


@pytest.mark.parametrize("raw", [{}, {"software": []}, {"software": {"name": 5}}, {"software": "x"}])
def test_nodeinfo_without_software_is_malformed(raw: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        discovery.read_nodeinfo(Document(raw))


def test_numbers_that_make_no_sense_are_none() -> None:
    raw = {"software": {"name": "X"}, "usage": {"users": {"total": -5}, "localPosts": "x"}, "protocols": [5, "activitypub"]}
    read = discovery.read_nodeinfo(Document(raw))
    assert (read.name, read.users, read.local_posts, read.protocols) == ("x", None, None, ("activitypub",))
    assert read.open_registrations is None
