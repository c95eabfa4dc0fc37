"""Photograph every page with sample data: `python -m tests.browser.preview [FOLDER] [--only NAME ...]`.

Light and dark, 1280 and 390 px wide, English and German, in headless Chromium. For looking at, not a test.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFProtect
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from node.translations import init_app as init_translations
from node.web import presenting, wording
from tests.browser import sample_pages

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
HOUSE = SimpleNamespace(
    name="Nordlicht Wärmetechnik", mode="selective", accent="", languages=["de", "en"], contact="hallo@nordlicht.example",
    description="The house of everybody who builds, sells, mends or simply owns a Nordlicht heat pump. Ask, answer, tell what you found out.",
)  # fmt: skip


def make_preview() -> Flask:
    """Return an app that shows each sample page at /page/NAME?language=&theme=."""
    app = Flask("preview", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="only for looking at pages", WTF_CSRF_ENABLED=True)
    CSRFProtect(app)
    init_translations(app, lambda: request.args.get("language", "en"))
    presenting.init_app(app)
    wording.init_app(app)
    app.extensions["courtyard"] = SimpleNamespace(now=lambda: sample_pages.NOW)
    real = app.url_for

    def url_for(endpoint: str, **values: object) -> str:
        return real(endpoint, **values) if endpoint == "static" else "/" + endpoint.removeprefix("web.")

    app.jinja_env.globals["url_for"] = url_for
    presenting.url_for = url_for  # type: ignore[assignment]

    @app.get("/media.attachment")
    @app.get("/media.icon")
    def picture() -> Response:
        return app.send_static_file("img/touch-icon.png")

    @app.get("/page/<name>")
    def page(name: str) -> str:
        g.is_informal = "informal" in request.args
        template, values = sample_pages.pages(wording.reach_sentence)[name]
        around = SimpleNamespace(language=request.args.get("language", "en"), theme=request.args.get("theme", "auto"), unread=3, admin_url="/admin", is_public=True, members_count=14)
        return render_template(template, **{"house": HOUSE, "page": around, "visitor": sample_pages.MEMBER, "domain": "nordlicht.example"} | values)

    return app


def main() -> None:
    """Write PNG files and print the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--views", nargs="*", default=["wide-light-en", "wide-dark-de", "phone-light-de", "phone-dark-en"])
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="courtyard-pages-"))
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, make_preview(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for view in options.views:
            width, theme, language = view.split("-")
            size = {"width": 1280, "height": 900} if width == "wide" else {"width": 390, "height": 844}
            tab = browser.new_page(viewport=size, color_scheme=theme, device_scale_factor=1)
            tab.on("console", lambda message: print("console:", message.text) if message.type == "error" else None)
            for name in sample_pages.pages(no_sentence):
                if options.only and name not in options.only:
                    continue
                answer = tab.goto(f"http://127.0.0.1:{server.server_port}/page/{name}?language={language}")
                if answer is None or answer.status != 200:
                    print(name, answer and answer.status)
                sideways = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if sideways > 0:
                    print(f"{name} {view}: {sideways} px too wide")
                tab.screenshot(path=folder / f"{name}-{view}.png", full_page=True)
            tab.close()
        browser.close()
    server.shutdown()
    print(folder)


def no_sentence(*_: object) -> str:
    """Stand in for the sentences where only the names of the pages are asked for."""
    return ""


if __name__ == "__main__":
    main()
