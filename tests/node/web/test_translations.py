"""Every sentence is there in German, with the same places to fill in."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from node.translations import FOLDER, load

ROOT = FOLDER.parents[1]
METHODS = [("node/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.xml", "jinja2")]
KEYWORDS = {"_": None, "lazy_gettext": None, "gettext": None, "ngettext": (1, 2), "N_": None}
PLACES = re.compile(r"%\(\w+\)s|%s|%d")
OTHERS = ("node/admin/", "templates/admin/", "node/api/", "node/commands/", "node/operations/")
"""The admins' door keeps its own catalogue and its own test; apps and operators read English."""


def messages() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(ROOT), METHODS, {"templates/**.html": {"trimmed": "true"}}, KEYWORDS, directory_filter=_is_ours)
    return {message for path, _, message, _, _ in found if not path.startswith(OTHERS) and message}


def _is_ours(path: str) -> bool:
    return Path(path).name not in {".venv", ".git", "tests", "node_modules", "data", "federation", "__pycache__"}


def test_every_message_has_a_german_translation():
    catalogue = load("de")
    missing = []
    for message in messages():
        singular = message[0] if isinstance(message, tuple) else message
        translated = catalogue.ungettext(*message[:2], 2) if isinstance(message, tuple) else catalogue.ugettext(message)
        is_known = translated not in (message[:2] if isinstance(message, tuple) else (message,))
        if not is_known and singular not in SAME_IN_BOTH:
            missing.append(message)
    assert missing == []


SAME_IN_BOTH = frozenset(["Server", "Feed", "Software", "Text", "Admin", "Code", "%(name)s: “%(words)s”"])


@pytest.mark.parametrize("path", sorted((FOLDER / "de" / "LC_MESSAGES").glob("*.po")), ids=lambda path: path.stem)
def test_translations_fill_in_the_same_places(path):
    with path.open("rb") as file:
        for message in read_po(file, locale="de"):
            if not message.id:
                continue
            sources = message.id if isinstance(message.id, tuple) else (message.id,)
            targets = message.string if isinstance(message.string, tuple) else (message.string,)
            assert all(targets), message.id
            for target in targets:
                assert set(PLACES.findall(target)) <= set(PLACES.findall(" ".join(sources))), message.id
            assert set(PLACES.findall(targets[-1])) == set(PLACES.findall(sources[-1])), message.id


def test_the_informal_catalogue_lies_over_the_formal_one():
    formal, informal = load("de"), load("de", is_informal=True)
    assert formal.ugettext("Your name") == "Ihr Name"
    assert informal.ugettext("Your name") == "Dein Name"
    assert informal.ugettext("Home") == formal.ugettext("Home") == "Zuhause"


def test_nothing_informal_is_left_formal():
    with (FOLDER / "de" / "LC_MESSAGES" / "informal.po").open("rb") as file:
        for message in read_po(file, locale="de"):
            words = " ".join(message.string) if isinstance(message.string, tuple) else message.string
            assert not re.search(r"\b(Ihre?[nmrs]?|Ihnen)\b(?! seht)", words), words


def test_english_needs_no_catalogue():
    assert load("en").ugettext("Your name") == "Your name"
