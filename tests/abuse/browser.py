"""A browser at a running node: keeps its cookies and sends forms with the token of the page it has read."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from tests.abuse.running import ORIGIN, Answer, RunningNode

LOGIN = "__Host-courtyard"
FORM = "__Host-courtyard-form"
_TOKEN = re.compile(rb'name="csrf_token" value="([^"]+)"')
_COOKIE = re.compile(r"(__Host-courtyard(?:-form)?|courtyard-language)=([^;,]*)")


class Browser:
    """Somebody's browser; `name` signs a member in, without a password."""

    def __init__(self, node: RunningNode, name: str = "") -> None:
        self.node = node
        self.cookies = {LOGIN: node.sign_in(name)} if name else {}
        self.token = ""

    def get(self, path: str, **headers: str) -> Answer:
        answer = self.node.send("GET", path, {**self._headers(), **headers})
        self._learn(answer)
        return answer

    def post(self, path: str, form: dict[str, str], *, token: str | None = None, **headers: str) -> Answer:
        """Send a form as our own pages do. `token` None: the one of this browser's pages; '' leaves it out."""
        if token is None:
            if not self.token:
                self.get("/settings" if LOGIN in self.cookies else "/sign-in")
            token = self.token
        fields = {**form, **({"csrf_token": token} if token else {})}
        sent = {**self._headers(), "Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded", **headers}
        sent = {name: value for name, value in sent.items() if value}
        answer = self.node.send("POST", path, sent, urlencode(fields).encode())
        self._learn(answer)
        return answer

    def _headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Accept": "text/html", "Cookie": cookie} if cookie else {"Accept": "text/html"}

    def _learn(self, answer: Answer) -> None:
        for name, value in _COOKIE.findall(answer.header("Set-Cookie") or ""):
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        found = _TOKEN.search(answer.body)
        if found:
            self.token = found[1].decode()
