"""What members write (Markdown) to HTML: links, mentions and hashtags included. Pure; the result is clean.

Raw HTML is text here, images are links, and nothing a member types takes longer than a moment: source with more
structure than a person writes comes back as plain paragraphs (abuse case D02). Mentions and hashtags are found by one
linear scan of the text outside code and links; what they point to is the caller's business, asked through `Links`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape
from xml.etree.ElementTree import Element

import markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.util import AtomicString

from node.content.cleaning import MAX_LENGTH, REL, clean

MAX_SOURCE = MAX_LENGTH
"""Characters. Doors check it and say so beside the field; here it is only cut."""

# What Markdown is spared. Its patterns look at a block again for each sign that could open something.
_MAX_SIGNS_IN_BLOCK = 400
_MAX_SIGNS = 6_000
_MAX_LINES = 3_000
_MAX_ADDRESSES = 2_000
_MAX_DEPTH = 12
_LONGEST_HEADING = 1_000
_SIGNS = re.compile(r"[\[\]*_`<\\!~]")
_LEAD = re.compile(r"(?:[ \t>]|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
_MARK = re.compile(r">|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])|\t| {4}")

_SCAN = re.compile(
    r"(?P<url>(?<![\w@/])https?://[^\s<>\"'`]{1,2000})"
    r"|(?<![\w@/.&])@(?P<name>\w(?:[\w.-]{0,62}\w)?)(?:@(?P<host>[^\W_](?:[\w.-]{0,251}[^\W_])?(?::\d{1,5})?))?"
    r"|(?<![\w@/&#])\#(?P<tag>\w[\w·]{0,98}\w|\w)",
    re.IGNORECASE,
)
_PART = re.compile(r"<(/?)([a-z][a-z0-9]*)[^<>]*>|[^<]+")
# An address keeps its underscores: nothing in it is emphasis.
_VERBATIM = r"(?:https?://|(?<![\w/@#])[@#])[^\s<>*\[\]()]*"


@dataclass(frozen=True)
class Links:
    """What names in a text point to: each answers with a URL, or None to leave the name as text.

    `mention(username, host)`: host is None as in '@ada'. `hashtag(name)`: without '#', as written.
    """

    mention: Callable[[str, str | None], str | None] = lambda username, host: None
    hashtag: Callable[[str], str | None] = lambda name: None


NO_LINKS = Links()


def render(source: str, links: Links = NO_LINKS) -> str:
    """Return the clean HTML of Markdown `source`: fenced code, line breaks kept, addresses linked. Never raises."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\x02", "").replace("\x03", "")[:MAX_SOURCE]
    html = clean(_paragraphs(source) if _is_too_much(source) else _marked_up(source))
    linked = _link(html, links)
    # Links make it longer; beyond what cleaning takes they are left out rather than the text's structure.
    return linked if len(linked) <= MAX_LENGTH and clean(linked) == linked else html


def mentions(source: str) -> tuple[tuple[str, str | None], ...]:
    """Return who `source` names, in order, without repetition: (username, host or None)."""
    found: dict[tuple[str, str | None], None] = {}

    def note(username: str, host: str | None) -> None:
        found[(username, host)] = None

    render(source, Links(mention=note))
    return tuple(found)


def hashtags(source: str) -> tuple[str, ...]:
    """Return the hashtags in `source`, in order, without '#', case-folded, without repetition."""
    found: dict[str, None] = {}

    def note(name: str) -> None:
        found[name.casefold()] = None

    render(source, Links(hashtag=note))
    return tuple(found)


def link_text(text: str, links: Links = NO_LINKS) -> str:
    """Return the HTML of plain `text` (a profile's field, a summary) on one line, with its addresses linked."""
    return _link(clean(escape(" ".join(text.split())[:MAX_SOURCE], quote=False)), links)


def _marked_up(source: str) -> str:
    try:
        return _markdown().convert(source)
    except RecursionError:
        return _paragraphs(source)


def _markdown() -> markdown.Markdown:
    """Return a new converter: it keeps state between calls, and threads share this module."""
    reader = markdown.Markdown(extensions=["fenced_code", "nl2br", "sane_lists"], output_format="html")
    reader.preprocessors.deregister("html_block")
    for name in ("html", "entity", "image_link", "image_reference", "short_image_ref"):
        reader.inlinePatterns.deregister(name)
    reader.inlinePatterns.register(_Verbatim(_VERBATIM, reader), "verbatim", 105)  # after links, before emphasis
    return reader


class _Verbatim(InlineProcessor):
    """Keeps the rest of Markdown's hands off an address, a mention or a hashtag."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element | str, int, int]:  # type: ignore[override]
        return AtomicString(m[0]), m.start(0), m.end(0)


def _is_too_much(source: str) -> bool:
    lines = source.split("\n")
    if len(lines) > _MAX_LINES or len(_SIGNS.findall(source)) > _MAX_SIGNS:
        return True
    if source.count("@") + source.count("#") + source.count("://") > _MAX_ADDRESSES:
        return True
    signs = 0
    for line in lines:
        signs = signs + len(_SIGNS.findall(line)) if line.strip() else 0
        if signs > _MAX_SIGNS_IN_BLOCK:
            return True
        if len(line) > _LONGEST_HEADING and line.lstrip().startswith("#"):
            return True
        lead = _LEAD.match(line)
        if lead is not None and len(_MARK.findall(lead[0])) > _MAX_DEPTH:
            return True
    return False


def _paragraphs(source: str) -> str:
    blocks = [block.strip() for block in re.split(r"\n[ \t]*\n", source)]
    if len(blocks) > 400:
        blocks = ["\n".join(block for block in blocks if block)]
    return "".join(f"<p>{_lines(block)}</p>" for block in blocks if block)


def _lines(block: str) -> str:
    lines = block.split("\n", 800)
    return "<br>".join(escape(line, quote=False) for line in lines)


def _link(html: str, links: Links) -> str:
    """Link the addresses in the text of clean `html`, outside links and code."""
    if "@" not in html and "#" not in html and "://" not in html:
        return html
    parts: list[str] = []
    inside = 0
    for part in _PART.finditer(html):
        name = part[2]
        if name is None:
            parts.append(part[0] if inside else _SCAN.sub(lambda match: _linked(match, links), _unquoted(part[0])))
            continue
        if name in ("a", "code", "pre"):
            inside += -1 if part[1] else 1
        parts.append(part[0])
    return "".join(parts)


def _unquoted(text: str) -> str:
    return text.replace("&quot;", '"')


def _linked(match: re.Match[str], links: Links) -> str:
    """Return the HTML for one address; `match` is in escaped text, and so is what it leaves alone."""
    if match["url"]:
        return _linked_url(match["url"])
    if match["name"]:
        target = links.mention(match["name"], match["host"])
        if target is None:
            return match[0]
        name = match["name"] + (f"@{match['host']}" if match["host"] else "")
        anchor = _anchor(target, f"@<span>{name}</span>", "u-url mention")
        return f'<span class="h-card">{anchor}</span>'
    tag = match["tag"]
    if tag.isdigit():
        return match[0]
    target = links.hashtag(tag)
    return match[0] if target is None else _anchor(target, f"#<span>{tag}</span>", "mention hashtag")


def _linked_url(written: str) -> str:
    # In escaped text '&' is '&amp;': a ';' at the end belongs to it only after a name.
    url = unescape(written)
    while url and (url[-1] in ".,:;!?*_~" or _is_unopened(url)):
        url = url[:-1]
    if len(url) <= len("https://"):
        return written
    rest = unescape(written)[len(url) :]
    return _anchor(url, escape(url, quote=False), "") + escape(rest, quote=False)


def _is_unopened(url: str) -> bool:
    opening = {")": "(", "]": "[", "}": "{"}.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)


def _anchor(target: str, content: str, classes: str) -> str:
    marked = f' class="{classes}"' if classes else ""
    return f'<a href="{escape(target, quote=False).replace(chr(34), "&quot;")}"{marked} rel="{REL}">{content}</a>'
