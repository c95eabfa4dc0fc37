"""D: what costs the sender nothing costs this node next to nothing."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from federation.vocabulary import MEDIA_TYPE
from node.actions.texts import MOST_CHARACTERS
from node.content import markdown
from node.content.cleaning import clean, plain_text
from tests.abuse.browser import Browser
from tests.abuse.conftest import world_at
from tests.abuse.crafting import cavage
from tests.abuse.running import DOMAIN
from tests.abuse.trials import World

SIZE = 64 * 1024


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_at(tmp_path_factory.mktemp("node")) as made:
        made.probe()
        yield made


REPEATED = ("@", "#a", "a.", "@a", "@a@", "a@b.", "http://", "https://a.", "#", "&", "@a@b.c ", "#a ", "www.", "](", "[", "![", "`", "<", "\\", "*a_", "> ", "- ")


READERS = {"mentions": markdown.mentions, "hashtags": markdown.hashtags, "links": markdown.link_text, "html": clean, "text": plain_text}
LONGEST = 0.1 * 2
"""Seconds of processor time; twice the case's, for processors slower than its."""


@pytest.mark.parametrize("piece", REPEATED)
def test_d01_repetition_is_read_in_linear_time(piece: str) -> None:
    text = (piece * SIZE)[:SIZE]
    for name, read in READERS.items():
        began = time.process_time()
        read(text)
        assert time.process_time() - began < LONGEST, name
    began = time.process_time()
    markdown.render(text[:MOST_CHARACTERS])
    assert time.process_time() - began < 1.0


HEAVY = {
    "div": "<div>" * 20_000, "list": "<ul><li>" * 8_192, "links": '<a href="https://a.test">' * 8_000, "quotes": "<blockquote>" * 20_000,
    "unclosed": '<a href="' * 20_000, "mixed": "<b><i><p><ul><li><blockquote>" * 3_000, "entities": "&amp;" * 60_000, "comments": "<!--" * 20_000,
    "closing": "</p>" * 20_000, "svg": "<svg><style>" * 8_000, "tables": "<table><tr><td>" * 5_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HEAVY)
def test_d02_heavy_html_from_outside_keeps_no_worker_busy(world: World, name: str) -> None:
    note = world.mallory.note(HEAVY[name], summary=HEAVY[name])
    answer = world.node.post(world.mallory, world.mallory.activity("Create", note))
    assert answer.status in (202, 413, 422)
    assert world.probe() < 5
    world.node.state.wait_until_idle()
    assert not world.node.state.trouble()
    kept = world.node.state.rows("SELECT id FROM posts WHERE uri = ?", note["id"])
    if kept:
        page = world.node.get(f"/posts/{kept[0][0]}", world.node.sign_in("ada"))
        assert page.status in (200, 404) and page.seconds < 2
        assert len(page.body) < 2_000_000


WRITTEN = {
    "div": "<div>" * 20_000, "list": "- " * 8_192, "nested list": "\n".join("  " * depth + "- x" for depth in range(500)), "quotes": ">" * 10_000,
    "brackets": "[" * 20_000, "emphasis": "*a **b " * 3_000, "links": "[a](" * 8_000, "references": "[a]: b\n" * 5_000, "html": "<ul><li>" * 8_192,
    "fences": "```\n" * 5_000, "mentions": "@a@b.test " * 3_000, "tags": "#a " * 8_000,
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_d02_heavy_markdown_is_answered_soon(world: World, name: str) -> None:
    browser = Browser(world.node, "ben")
    for path in ("/write/preview", "/write"):
        answer = browser.post(path, {"text": WRITTEN[name], "audience": "members"})
        assert answer.status in (200, 303, 413, 422), (path, answer.status)
        assert answer.seconds < 3, (path, answer.seconds)
    assert world.probe() < 5


MANY = 1_000
"""Of the case's fifty thousand: enough to measure one."""


def test_d04_farewells_of_strangers_cost_no_fetch_and_no_job(world: World) -> None:
    node = world.node
    node.state.wait_until_idle()
    for peer in world.around:
        peer.forget()
    receipts = node.state.count("receipts")
    requests = []
    for number in range(MANY):
        uri = f"https://evil.test/users/gone{number}"
        document = {"id": f"{uri}#delete", "type": "Delete", "actor": uri, "object": uri}
        requests.append((json.dumps(document), uri))
    headers, _ = cavage(world.mallory, {})
    connection = http.client.HTTPConnection(*node.address, timeout=30)
    spent = []
    for text, uri in requests:
        headers, body = cavage(world.mallory, text.encode(), key_id=f"{uri}#main-key", sign=lambda actor, base: "AAAA")
        began = time.perf_counter()
        connection.request("POST", "/inbox", body, {**headers, "Host": DOMAIN, "Content-Type": MEDIA_TYPE})
        answer = connection.getresponse()
        answer.read()
        spent.append(time.perf_counter() - began)
        assert answer.status == 202
    connection.close()
    spent.sort()
    assert spent[MANY // 2] < 0.005 * SLOWNESS, f"median {spent[MANY // 2] * 1000:.1f} ms"
    assert node.state.count("receipts") == receipts
    assert not [request for peer in world.around for request in peer.received("GET")]
    world.probe()


SLOWNESS = 3.0
"""How much slower than a quiet machine this one may be: other tests run beside."""
