"""A small client of the Mastodon API, as a member's app would be. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any


class ApiRefused(Exception):
    """The node answered with an error: `status` and what it said."""

    def __init__(self, method: str, path: str, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{method} {path}: {status} {text[:500]}")


@dataclass(frozen=True)
class MastodonClient:
    """A member's app: `origin` of the node, `token` from `courtyard token`."""

    origin: str
    token: str

    def call(self, method: str, path: str, **values: Any) -> Any:
        """Make one call and return the decoded answer. Values go in the query of a GET, else in a JSON body."""
        url, data = self.origin + path, None
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        if method == "GET" and values:
            url += "?" + urllib.parse.urlencode(values, doseq=True)
        elif method != "GET":
            data = json.dumps(values).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ApiRefused(method, path, error.code, error.read().decode(errors="replace")) from error

    def post(self, text: str, visibility: str | None = None, **values: Any) -> dict[str, Any]:
        """Publish; without `visibility` the member's default applies. Returns the status."""
        if visibility is not None:
            values["visibility"] = visibility
        status: dict[str, Any] = self.call("POST", "/api/v1/statuses", status=text, **values)
        return status

    def edit(self, status_id: str, text: str) -> dict[str, Any]:
        status: dict[str, Any] = self.call("PUT", f"/api/v1/statuses/{status_id}", status=text)
        return status

    def delete(self, status_id: str) -> None:
        self.call("DELETE", f"/api/v1/statuses/{status_id}")

    def act(self, status_id: str, verb: str) -> dict[str, Any]:
        """favourite, unfavourite, reblog, unreblog... a status."""
        status: dict[str, Any] = self.call("POST", f"/api/v1/statuses/{status_id}/{verb}")
        return status

    def status(self, status_id: str) -> dict[str, Any]:
        status: dict[str, Any] = self.call("GET", f"/api/v1/statuses/{status_id}")
        return status

    def context(self, status_id: str) -> dict[str, Any]:
        """Ancestors and descendants."""
        context: dict[str, Any] = self.call("GET", f"/api/v1/statuses/{status_id}/context")
        return context

    def home(self, limit: int = 40) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.call("GET", "/api/v1/timelines/home", limit=limit)
        return lines

    def notifications(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self.call("GET", "/api/v1/notifications", limit=40)
        return lines

    def search(self, text: str) -> dict[str, Any]:
        """Look up a handle or URL, on its own server when it is not known here."""
        found: dict[str, Any] = self.call("GET", "/api/v2/search", q=text, resolve="true")
        return found

    def account(self, text: str) -> dict[str, Any]:
        """Return the account that a handle or URL leads to. Raises LookupError when there is none."""
        accounts = self.search(text)["accounts"]
        if not accounts:
            raise LookupError(text)
        account: dict[str, Any] = accounts[0]
        return account

    def follow(self, account_id: str) -> dict[str, Any]:
        relation: dict[str, Any] = self.call("POST", f"/api/v1/accounts/{account_id}/follow")
        return relation

    def unfollow(self, account_id: str) -> dict[str, Any]:
        relation: dict[str, Any] = self.call("POST", f"/api/v1/accounts/{account_id}/unfollow")
        return relation

    def relation(self, account_id: str) -> dict[str, Any]:
        relations: list[dict[str, Any]] = self.call("GET", "/api/v1/accounts/relationships", **{"id[]": account_id})
        return relations[0]
