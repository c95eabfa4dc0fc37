"""What members write becomes HTML: linked, clean, and never slow."""

from __future__ import annotations

import time

import pytest

from node.content.cleaning import clean
from node.content.markdown import Links, hashtags, link_text, mentions, render

LINKS = Links(
    mention=lambda username, host: f"https://{host or 'our.test'}/users/{username}",
    hashtag=lambda name: f"https://our.test/tags/{name.casefold()}",
)


def test_paragraphs_breaks_emphasis_lists_and_code() -> None:
    html = render("one *two*\n**three**\n\n- a\n- b\n\n```py\nx < 1\n```\n\n> said")

    assert "<p>one <em>two</em><br>\n<strong>three</strong></p>" in html
    assert "<li>a</li>" in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html
    assert "<blockquote>" in html


def test_mentions_hashtags_and_addresses_are_linked() -> None:
    html = render("Hi @ada@good.test and @bob, see https://a.test/x_y_z?a=1&b=2. #Tag_One #12", LINKS)

    assert 'href="https://good.test/users/ada" class="u-url mention"' in html
    assert 'href="https://our.test/users/bob"' in html
    assert 'href="https://a.test/x_y_z?a=1&amp;b=2"' in html
    assert "</a>. " in html
    assert 'href="https://our.test/tags/tag_one" class="mention hashtag"' in html
    assert "#12</p>" in html


def test_names_nobody_has_stay_text() -> None:
    assert render("@nobody@good.test #x") == "<p>@nobody@good.test #x</p>"


def test_code_and_links_are_left_alone() -> None:
    html = render("`@ada #x https://a.test` [@ada](https://a.test/#x)", LINKS)

    assert "<code>@ada #x https://a.test</code>" in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    ("source", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"), ("[x](javascript:alert(1))", 'href="javascript'), ("<javascript:x>", 'href="javascript'),  # noqa: E501
        ("[x]\n\n[x]: javascript:alert(1)", "href="), ("<b onclick=x>y</b>", "<b "), ("x\n{: onclick=y }", "<p onclick"),
        ('[x](https://a.test "\'><script>")', "<script"), ("![x](https://a.test/x.png)", "<img"), ("[x](//evil.test)", 'href="//'),  # noqa: E501
        ("[x](data:text/html,y)", 'href="data'), ('https://a.test/"onmouseover="x', "<a onmouseover"), ("```{onclick=x}\ny\n```", "<pre onclick"),  # noqa: E501
    ],
)  # fmt: skip
def test_hostile_markdown_is_inert(source: str, forbidden: str) -> None:
    html = render(source, LINKS)

    assert forbidden not in html.replace('rel="nofollow', "")
    assert clean(html) == html


def test_who_and_what_a_text_names() -> None:
    assert mentions("@ada@good.test `@no` @bob @ada@good.test mail a@b.test") == (("ada", "good.test"), ("bob", None))
    assert hashtags("#One #one #two_2 #3 a#b") == ("one", "two_2")
    assert mentions("@_foo_@good.test @a.b.") == (("_foo_", "good.test"), ("a.b", None))


def test_text_of_one_line_is_linked() -> None:
    assert link_text("see https://a.test <b>") == (
        'see <a href="https://a.test" rel="nofollow noopener noreferrer ugc">https://a.test</a> &lt;b&gt;'
    )


PIECES = [
    "[", "*", "_", "`", ">", "<", "![", "[](", "**a", "_a *", "[a](", "*a_ ", "\\", "&", "# ", "1. ", "- ", '"', "[x]: ", "~~~",
    "```\n", "> - ", ">- ", "(", "[a][", "<http://", "@a ", "* ", "a\n\n", "`a``", "***a", "[[]", "@", "#a", "a.", "@a@", "-@",
    "http://", "<div>", "<ul><li>", "&#", "\t", "    ", ">\n", "- a\n", "* *a*\n", "a\n---\n", "[a]: http://b\n", "http://x(((",
    "http://a)))", "[a\n", "*a\n",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("count", [390, 5_000, 65_000])
def test_nothing_takes_a_second(piece: str, count: int) -> None:
    start = time.process_time()
    html = render((piece * count)[:65_000], LINKS)

    assert time.process_time() - start < 1
    assert clean(html) == html


def test_finding_names_is_linear() -> None:
    for piece in ("@", "#a", "a.", "@a", "@a@"):
        start = time.process_time()
        link_text((piece * 65_000)[:64_000])
        assert time.process_time() - start < 0.3
