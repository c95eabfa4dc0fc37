"""The administration speaks German too, and its words need neither "Sie" nor "du"."""

import re

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask_babel import force_locale

from node.admin.queues import QUEUES
from node.admin.words import errand_kind, queue_name
from node.jobs.tasks import KINDS
from node.translations import FOLDER, load

ROOT = FOLDER.parents[1]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
SAME_IN_BOTH = frozenset(["Admin", "Lobby", "Name", "Partner", "Server"])


def messages():
    for folder, pattern, method in (("node/admin", "**.py", "python"), ("templates/admin", "**.html", "jinja2")):
        options = {"**.html": {"trimmed": "true"}}
        for _path, _line, message, _comments, _context in extract_from_dir(
            str(ROOT / folder), [(pattern, method)], options, KEYWORDS
        ):
            if message:
                yield message


def test_every_message_has_a_german_translation():
    catalogue = load("de")
    missing = []
    for message in messages():
        forms = message[:2] if isinstance(message, tuple) else (message,)
        translated = catalogue.ungettext(*forms, 2) if len(forms) == 2 else catalogue.ugettext(message)
        if translated in forms and forms[0] not in SAME_IN_BOTH:
            missing.append(message)
    assert missing == []


def test_nobody_is_addressed():
    with (FOLDER / "de" / "LC_MESSAGES" / "admin.po").open("rb") as file:
        for message in read_po(file, locale="de"):
            words = " ".join(message.string) if isinstance(message.string, tuple) else message.string
            assert not re.search(r"\b(Ihnen|Ihrem|Ihren|Ihres|du|dein\w*)\b|\w+en Sie\b", words), words


def test_a_german_admin_reads_german(admin, ada, make):
    ada.language = "de"
    make.peer("evil.test", "blocked")
    make.receipt("new.test")
    make.commit()
    assert "Was auf eine Entscheidung wartet" in admin.get("/admin/").text
    assert "1 Server wartet in der Lobby" in admin.get("/admin/").text
    assert "Gesperrt" in admin.get("/admin/peers").text
    assert "evil.test ist gesperrt." in admin.get("/admin/explain?peer=evil.test").text


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_errand_and_queue_has_words(door, language):
    with door.test_request_context(), force_locale(language):
        assert [kind for kind in KINDS if errand_kind(kind) == kind] == []
        assert [name for name in QUEUES if queue_name(name) == name] == []
        assert errand_kind("poll_end") == {"en": "polls to be closed", "de": "Umfragen zum Schließen"}[language]
