"""Anyone's HTML to HTML that is safe to show, and to plain text. Pure: no database, no network.

One allow-list for everything that is shown, whoever wrote it. nh3 cleans; what it cannot be trusted with (its time is
quadratic in nesting and cannot be interrupted) never reaches it. `clean` is a fixed point: clean(clean(x)) == clean(x).
"""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlsplit

import nh3

CLEANER_VERSION = 1
"""Goes up whenever the same input would come out differently: kept beside what was cleaned."""

MAX_LENGTH = 64 * 1024  # characters
MAX_TAGS = 2_000  # '<' signs
_MAX_PASSES = 4

TAGS = frozenset(
    {
        "a", "b", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "rp", "rt",
        "ruby", "s", "small", "span", "strong", "sub", "sup", "u", "ul",
    }
)  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {"a": {"href"}, "*": set()}
CLASSES = {
    "a": {"mention", "u-url", "hashtag"},
    "span": {"h-card", "invisible", "ellipsis"},
    "p": {"quote-inline"},
}
SCHEMES = frozenset({"http", "https", "mailto"})
REL = "nofollow noopener noreferrer ugc"

_CLEANER = nh3.Cleaner(
    # A page has its own first and second heading: others' become third ones after cleaning.
    tags={*TAGS, "h1", "h2"},
    clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "select", "textarea"},
    attributes=ATTRIBUTES,
    allowed_classes=CLASSES,
    url_schemes=set(SCHEMES),
    url_relative="deny",
    link_rel=REL,
)
_HEADING = re.compile(r"<(/?)h[12]>")
_NO_CLASS = re.compile(r'(<(?:a|span|p)\b[^<>]*?) class=""')
_LINK = re.compile(r"(<a\b[^<>]*>)(.*?)(</a>)", re.DOTALL)
_HREF = re.compile(r'\bhref="([^"]*)"')
_TAG = re.compile(r"<[^<>]*>")
_INVISIBLE = re.compile(r'<span class="invisible">[^<]*</span>')
_BREAK = re.compile(r"<(?:br\s*/?|/?(?:p|div|li|ul|ol|h[1-6]|blockquote|pre|tr|hr))\b[^<>]*>", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
_NEWLINES = re.compile(r"\s*\n\s*\n\s*")
_CUT_ENTITY = re.compile(r"&[^;\s]{0,8}$")
# What a reader takes for an address: with a scheme anywhere, or else when the whole text is a host, a handle, a path.
_ADDRESS = re.compile(r"https?://([^\s/?#…]+)", re.IGNORECASE)
_BARE_ADDRESS = re.compile(r"@?(?:[\w.+-]{1,100}@)?((?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62})(?::\d+)?(?:[/?#…]\S*)?")


def clean(html: str) -> str:
    """Return `html` with only what may be shown: allow-listed tags, classes and absolute http(s) and mailto links.

    Every link gets REL, and one whose text looks like another address shows where it really goes. HTML that is
    longer than MAX_LENGTH characters or has more than MAX_TAGS '<' comes back as its plain text.
    """
    if _is_too_much(html):
        return _as_paragraph(html)
    result = _pass(html)
    for _ in range(_MAX_PASSES):
        if _is_too_much(result):
            break
        # Dropping a tag can leave a nesting that the next parser reads in another way.
        again = _pass(result)
        if again == result:
            return result
        result = again
    return _as_paragraph(html)


def plain_text(html: str, limit: int = 500) -> str:
    """Return the text of `html` on few lines, at most `limit` characters, cut with an ellipsis. Linear; never raises.

    The result is text, not HTML: whoever shows it escapes it.
    """
    text = _text_of(html[: MAX_LENGTH * 2])
    if len(text) <= limit:
        return text
    return text[: max(limit - 1, 0)].rstrip() + "…"


def _is_too_much(html: str) -> bool:
    return len(html) > MAX_LENGTH or html.count("<") > MAX_TAGS


def _pass(html: str) -> str:
    result = str(_CLEANER.clean(html))
    if "<h" in result or "</h" in result:
        result = _HEADING.sub(r"<\1h3>", result)
    if ' class=""' in result:
        result = _NO_CLASS.sub(r"\1", result)
    if "<a" in result:
        result = _LINK.sub(_honest, result)
    return result


def _honest(link: re.Match[str]) -> str:
    """Show the real target of a link whose text looks like the address of another place (abuse case H08)."""
    opening, content, closing = link.groups()
    href = _HREF.search(opening)
    if href is None:
        return link[0]
    target = unescape(href[1])
    if all(_fits(text, target) for text in {_flat(content), _flat(_INVISIBLE.sub("", content))}):
        return link[0]
    return opening + escape(target.strip() or "…", quote=False) + closing


def _flat(content: str) -> str:
    return unescape(_TAG.sub("", content)).strip()


def _fits(text: str, target: str) -> bool:
    claims = _ADDRESS.findall(text) or [match[1] for match in [_BARE_ADDRESS.fullmatch(text)] if match]
    if not claims or text == target.strip():
        return True
    try:
        parts = urlsplit(target)
        host = parts.hostname or parts.path.rpartition("@")[2]
    except ValueError:
        return False
    return all(_is_same_site(claim, host.lower()) for claim in claims)


def _is_same_site(claim: str, host: str) -> bool:
    claimed = claim.rpartition("@")[2].partition(":")[0].lower().rstrip(".")
    if claimed == host:
        return True
    try:
        claimed = claimed.encode("idna").decode()
    except UnicodeError:
        return False
    # A handle's host is often the parent of the server's (and www. says nothing); never the other way round.
    return claimed.removeprefix("www.") == host.removeprefix("www.") or ("." in claimed and host.endswith("." + claimed))


def _text_of(html: str) -> str:
    text = _BREAK.sub("\n", html)
    text = unescape(_TAG.sub("", text))
    return _NEWLINES.sub("\n", _SPACES.sub(" ", text)).strip()


def _as_paragraph(html: str) -> str:
    text = _text_of(html)
    lines = text.split("\n", 900)
    result = "<br>".join(escape(line, quote=False).replace("\u00a0", "&nbsp;").strip() for line in lines)
    result = result.replace("\n", " ")
    if len(result) > MAX_LENGTH - 100:
        result = _CUT_ENTITY.sub("", result[: MAX_LENGTH - 100].rpartition("<")[0] or result[: MAX_LENGTH - 100]) + "…"
    # The cleaner has the last word on its own fallback, too; flat text costs it nothing.
    return str(_CLEANER.clean(f"<p>{result}</p>"))
