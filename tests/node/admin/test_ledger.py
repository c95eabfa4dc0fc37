"""The ledger's pages: what left last, what one server got, who has one post; paged by key, empty, and in German."""

import re

import pytest

from node.actions import ledger
from node.models import Post
from tests.node.actions.test_ledger import a_line
from tests.support.statements import fewest


@pytest.fixture
def write(session, make):
    """Append lines about one post, one for each host."""

    def append(post: Post, *hosts: str, **values: object) -> None:
        for host in hosts:
            about = {"object_uri": post.uri, "post_id": post.id, "host": host, "reasons": f"peer_is_allowed:{host}"}
            ledger.append(session, [a_line(1, **(about | values))], make.clock.move(1))
        make.commit()

    return append


def test_an_empty_ledger_says_so(admin):
    assert "Nothing has left yet" in admin.get("/admin/ledger").text


def test_the_newest_lines_say_what_to_whom_and_by_which_rule(admin, ada, make, write):
    post = make.post(ada.actor)
    write(post, "one.test", rules_version=7)
    write(post, "two.test", channel="get", kind="Read", actor_uri="https://two.test/users/eve")
    text = admin.get("/admin/ledger").text
    assert text.index("two.test") < text.index("one.test is allowed.")
    assert "fetched, signed" in text
    assert "https://two.test/users/eve" in text
    assert "Rules 7" in text
    assert "The ledger has 2 lines." in text


def test_what_one_server_got_is_found_and_linked_from_its_page(admin, ada, make, write):
    write(make.post(ada.actor), "one.test", "two.test", "one.test")
    make.peer("one.test")
    make.commit()
    text = admin.get("/admin/ledger?host=ONE.test").text
    assert "Handed over to one.test" in text
    assert "two.test" not in text
    assert "/admin/ledger?host=one.test" in admin.get("/admin/peers/at/one.test").text
    assert "Nothing was handed over" in admin.get("/admin/ledger?host=three.test").text
    assert "not the name of a server" in admin.get("/admin/ledger?host=no+host").text


def test_who_has_a_post_is_found_by_its_number_and_its_address(admin, ada, make, write, session):
    post = make.post(ada.actor)
    write(post, "one.test")
    write(post, "two.test", state="unknown", answer=0)
    write(post, "three.test")
    write(post, "three.test", kind="Delete")
    ledger.count_reads(session, {(post.id, "page", make.clock().date()): 3})
    make.commit()
    for name in (str(post.id), post.uri):
        text = admin.get(f"/admin/ledger?object={name}").text
        states = re.findall(r'class="state[^"]*">([^<]+)<', text)
        assert states == ["has it", "told to delete it", "may have it"]
        assert "Read without a name: page" in text
    assert "No server has it" in admin.get(f"/admin/ledger?object={ada.actor.uri}").text


@pytest.mark.parametrize("name", ["nonsense", "77", "https://home.test/nothing"])
def test_a_typing_mistake_is_not_said_to_have_stayed(admin, name):
    text = admin.get(f"/admin/ledger?object={name}").text
    assert "Nothing of this name is known here." in text
    assert f'value="{name}"' in text
    assert "No server has it" not in text
    assert "Nothing has left yet" not in text


def test_a_server_nobody_knows_is_said_to_be_unknown(admin, make):
    assert "No server of this name is known here." in admin.get("/admin/ledger?host=typo").text
    make.remote("bob")
    make.commit()
    text = admin.get("/admin/ledger?host=peer.test").text
    assert "This server received nothing from here" in text


def test_both_lists_are_paged_by_key_in_as_many_statements(admin, ada, make, write, count_statements):
    post = make.post(ada.actor)
    write(post, "a.test")
    for page in ("/admin/ledger", f"/admin/ledger?object={post.id}"):
        few = fewest(count_statements, lambda page=page: admin.get(page))
        write(post, *[f"s{number:02}.test" for number in range(60)])
        many = fewest(count_statements, lambda page=page: admin.get(page))
        first = admin.get(page).text
        assert many <= few <= 14
        following = re.search(r'rel="next" href="([^"]+)"', first).group(1).replace("&amp;", "&")
        assert "s59.test" in (first if page.endswith("ledger") else admin.get(following).text)
        assert ("s09.test" in first) != ("s09.test" in admin.get(following).text) or page.endswith("ledger")


def test_the_author_sees_who_has_it_and_how_often_it_was_read(admin, ada, make, write, session):
    post = make.post(ada.actor)
    make.commit()
    assert "It stayed here" in admin.get(f"/posts/{post.id}/deliveries").text
    write(post, "one.test")
    ledger.count_reads(session, {(post.id, "feed", make.clock().date()): 2})
    make.commit()
    text = admin.get(f"/posts/{post.id}/deliveries").text
    assert "Who has it" in text
    assert "one.test is allowed." in text
    assert "Read 2 times without a name" in text
    ada.language = "de"
    make.commit()
    assert "Wer es hat" in admin.get(f"/posts/{post.id}/deliveries").text


def test_the_pages_speak_german(admin, ada, make, write):
    ada.language = "de"
    write(make.post(ada.actor), "one.test")
    assert "Ausgangsbuch" in admin.get("/admin/ledger").text
    assert "Nach welcher Regel" in admin.get("/admin/ledger").text
