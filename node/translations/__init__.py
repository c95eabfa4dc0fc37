"""Our words in the reader's language. English stands in the code; German lives in de/LC_MESSAGES/*.po.

Every `.po` file of a language is read (`web.po`, `admin.po`, ...), so each door keeps its own. `informal.po` holds only what
reads differently with "du" and is laid over the rest for members who want it. Catalogues are compiled in memory at
the first use: there is no build step and no stale `.mo`; the test
`tests/node/web/test_translations.py` lists what is missing.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g
from flask_babel import Babel, Domain, get_locale

FOLDER = Path(__file__).parent
INFORMAL = "informal"
LANGUAGES = ("en", "de")


class Catalogues(Domain):
    """Flask-Babel's domain, reading all of our `.po` files and knowing two forms of address."""

    def __init__(self) -> None:
        super().__init__(str(FOLDER))
        self._loaded: dict[tuple[str, bool], NullTranslations] = {}
        self._lock = threading.Lock()

    def get_translations(self) -> NullTranslations:
        """Return the catalogue for the reader's language and form of address."""
        locale = get_locale()
        language = locale.language if locale else "en"
        key = (language, bool(g.get("is_informal", False)))
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load(*key)
            return self._loaded[key]


class _Babel(Babel):  # type: ignore[misc]  # Flask-Babel has no types
    domain_instance = Catalogues()


def load(language: str, is_informal: bool = False) -> NullTranslations:
    """Return one catalogue made of all `.po` files of `language`; an empty one when there is none."""
    folder = FOLDER / language / "LC_MESSAGES"
    merged: NullTranslations = NullTranslations()
    for path in sorted(folder.glob("*.po")):
        if path.stem != INFORMAL:
            merged = _lay_over(merged, path)
    if is_informal and (folder / f"{INFORMAL}.po").exists():
        merged = _lay_over(merged, folder / f"{INFORMAL}.po")
    return merged


def _lay_over(below: NullTranslations, path: Path) -> NullTranslations:
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.parent.parent.name))
    compiled.seek(0)
    upper = Translations(compiled, domain="messages")
    upper.add_fallback(below)
    return upper


def init_app(app: Flask, choose_language: Callable[[], str], choose_zone: Callable[[], str] | None = None) -> None:
    """Set up Flask-Babel: `choose_language` returns 'de' or 'en' for the request; g.is_informal asks for "du"."""
    _Babel().init_app(app, locale_selector=choose_language, timezone_selector=choose_zone)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
