"""Whatever comes in, what comes out can be shown: the H cases, and a second opinion on all of them."""

from __future__ import annotations

import random
import re
import time
from html.parser import HTMLParser

import bleach
import pytest

from node.content.cleaning import ATTRIBUTES, CLASSES, MAX_LENGTH, SCHEMES, TAGS, clean, plain_text

VECTORS = [
    "<script>alert(1)</script>ok", "<iframe src=//evil></iframe>", "<object data=x></object>", "<form><input></form>",
    "<base href=//evil><meta http-equiv=refresh content=0><link rel=stylesheet href=x>", "<style>*{}</style>",
    "<svg onload=alert(1)><script>1</script></svg>", "<math><mi>x</mi></math>", "<p onclick=alert(1)>x</p>",
    '<p style="position:fixed" id=x name=y class="overlay mention">x</p>', '<a href="x" target=_blank srcset=y formaction=z>x</a>',  # noqa: E501
    '<a href="javascript:alert(1)">x</a>', '<a href="java\u200bscript:alert(1)">x</a>', '<a href="//evil.test">x</a>',
    '<a href="data:text/html,x">x</a>', "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<math><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">", "<form><form><p>x</form></form>",
    "<template><script>1</script></template>", "<xmp><p title=\"</xmp><img src=x onerror=1>\"></xmp>", "<plaintext><p>x",
    "<!--><img src=x onerror=1>--!>x", "<a href=https://one.test>1<table><td><a href=https://two.test>2", "<b><p>x</b></p>y",
    "<span class='invisible ellipsis evil'>x</span>", "<h1>one</h1><h2>two</h2><h4>four</h4>", "<ruby>a<rt>b</rt></ruby>",
    "<p>a & b < c > d \"e\" 'f'&nbsp;g", "<ol><li>1<li>2</ol>", "<pre><code class=x>a\n b</code></pre>", "<img src=x onerror=1>",
    "<a href='https://a.test/?x=\"><script>'>x</a>", "<details open ontoggle=1>x</details>", "<p title='<img src=x>'>x",
    "<select><style><img src=x onerror=1></style></select>", "<a class='' href='https://a.test'>x</a>", "<li><p><li>x", "\x00<p>x",  # noqa: E501
]  # fmt: skip


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.bad.append(tag)
        for name, value in attrs:
            allowed = name in ("class", "rel") or name in ATTRIBUTES.get(tag, set())
            if not allowed or (name == "class" and not set((value or "").split()) <= CLASSES.get(tag, set())):
                self.bad.append(f"{tag} {name}={value}")
            if name == "href" and not re.match(r"(https?|mailto):", value or ""):
                self.bad.append(f"href={value}")


def _problems(html: str) -> list[str]:
    seen = _Seen()
    seen.feed(html)
    seen.close()
    return seen.bad


def _flat(html: str) -> str:
    """Return HTML with bleach's spelling of what serialisers spell differently."""
    return html.replace("&nbsp;", "\u00a0").replace("&quot;", '"').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def second_opinion(html: str) -> str:
    attributes = {tag: [*names, "class", "rel"] for tag, names in ATTRIBUTES.items() if tag != "*"}
    attributes |= {tag: [*attributes.get(tag, []), "class"] for tag in CLASSES if tag not in attributes}
    return str(bleach.clean(html, tags=TAGS, attributes=attributes, protocols=SCHEMES, strip=True))


@pytest.mark.parametrize("html", VECTORS)
def test_nothing_outside_the_allow_list_comes_out(html: str) -> None:
    result = clean(html)

    assert _problems(result) == []
    assert clean(result) == result


@pytest.mark.parametrize("html", VECTORS)
def test_bleach_finds_nothing_left_to_remove(html: str) -> None:
    result = clean(html)

    assert _flat(second_opinion(result)) == _flat(result)


def test_random_pieces_put_together_stay_inert() -> None:
    chance = random.Random(20)
    pieces = [piece for vector in VECTORS for piece in re.split(r"(?<=>)|(?=<)", vector) if piece]
    for _ in range(1_500):
        html = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 12)))
        result = clean(html)
        assert _problems(result) == [], html
        assert clean(result) == result, html


def test_a_mastodon_post_keeps_its_looks() -> None:
    html = (
        '<p><span class="h-card" translate="no"><a href="https://good.test/@ada" class="u-url mention">@<span>ada</span></a></span>'  # noqa: E501
        ' <a href="https://good.test/tags/x" class="mention hashtag" rel="tag">#<span>x</span></a> '
        '<a href="https://a.test/b/c" target="_blank"><span class="invisible">https://</span>'
        '<span class="ellipsis">a.test/b</span><span class="invisible">/c</span></a></p>'
    )

    result = clean(html)

    assert 'class="u-url mention"' in result
    assert 'class="mention hashtag"' in result
    assert '<span class="invisible">https://</span>' in result
    assert result.count('rel="nofollow noopener noreferrer ugc"') == 3


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ('<a href="https://evil.test/x">@ceo@our.test</a>', "https://evil.test/x"),
        ('<a href="https://evil.test/x">https://our.test/login</a>', "https://evil.test/x"),
        ('<a href="https://evil.test/x">our.test</a>', "https://evil.test/x"),
        ('<a href="https://evil.test/x"><span class="invisible">evil.test </span>our.test/a</a>', "https://evil.test/x"),
        ('<a href="mailto:x@evil.test">ceo@our.test</a>', "mailto:x@evil.test"),
        ('<a href="https://our.test/x">our.test/x</a>', "our.test/x"),
        ('<a href="https://www.our.test/x">our.test</a>', "our.test"),
        ('<a href="https://evil.test/x">read more</a>', "read more"),
        ('<a href="https://social.our.test/@ada">@ada@our.test</a>', "@ada@our.test"),
    ],
)
def test_a_link_shows_where_it_really_goes(link: str, shown: str) -> None:
    result = clean(link)

    assert f">{shown}</a>" in re.sub(r"</?span[^>]*>", "", result) if "evil.test " not in shown else True
    assert clean(result) == result


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 20_000, "<ul><li>" * 8_192, "<b>" * 1_999, '<a href="' * 20_000, "&" * 65_000, "<!--" * 16_000, "<" * 65_000,
        "<p>" * 1_999, "<a " * 1_999, "x<br>" * 13_000, "<h1>" * 1_999, '<a class="' * 1_999, "&lt;" * 16_000,
    ],
)  # fmt: skip
def test_nothing_takes_long(html: str) -> None:
    start = time.process_time()
    result = clean(html)
    plain_text(html)

    assert time.process_time() - start < 0.5
    assert len(result) <= MAX_LENGTH + 100
    assert clean(result) == result


def test_too_much_structure_leaves_the_text() -> None:
    assert clean("<i>" * 3_000 + "words & <i>more</i>") == "<p>words &amp; more</p>"


def test_plain_text_keeps_words_apart_and_cuts_with_an_ellipsis() -> None:
    assert plain_text("<p>one<br>two</p><p>three &amp; four</p>") == "one\ntwo\nthree & four"
    assert plain_text("<p>" + "word " * 200 + "</p>", 20) == "word word word word…"
