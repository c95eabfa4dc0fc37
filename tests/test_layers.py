"""The house has floors: who may import whom (design.md). Imports inside functions count, too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOORS = ("node.web", "node.admin", "node.api", "node.activitypub", "node.jobs")
SOCKETS = {"socket", "ssl", "http.client", "urllib.request", "urllib3", "requests", "httpx"}

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "federation": ("node", "flask", "sqlalchemy", "rq", "redis", "os"),
    "node.policy": (
        "node.database",
        "node.models",
        "node.queries",
        "node.actions",
        "flask",
        "sqlalchemy",
        "requests",
        "time",
        *DOORS,
    ),
    "node.content": ("node.database", "node.models", "node.queries", "node.actions", "flask", "sqlalchemy", *DOORS),
    "node.models": ("node.queries", "node.actions", "node.policy", "federation", "flask", *DOORS),
    "node.queries": ("node.actions", "flask", "rq", "requests", *DOORS),
    "node.activitystreams": ("node.actions", "flask", "rq", "requests", *DOORS),
    "node.actions": ("flask", "rq", "requests", *DOORS),
    "node.web": tuple(door for door in DOORS if door != "node.web"),
    "node.admin": tuple(door for door in DOORS if door != "node.admin"),
    "node.api": tuple(door for door in DOORS if door != "node.api"),
    "node.activitypub": tuple(door for door in DOORS if door != "node.activitypub"),
    "node.jobs": tuple(door for door in DOORS if door != "node.jobs"),
}
ONLY: dict[str, tuple[str, ...]] = {
    "bleach": (),
    "nh3": ("node.content",),
    "markdown": ("node.content",),
    "rq": ("node.jobs", "node.operations", "node.admin", "node.commands"),
}


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("federation", "node"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def within(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


ALL = list(modules())


@pytest.mark.parametrize(("place", "banned"), FORBIDDEN.items(), ids=str)
def test_a_floor_imports_nothing_from_above(place: str, banned: tuple[str, ...]) -> None:
    found = [
        f"{module} imports {name}"
        for module, path in ALL
        if within(module, place)
        for name in imports(path)
        if any(within(name, ban) for ban in banned)
    ]
    assert found == []


@pytest.mark.parametrize(("library", "places"), ONLY.items(), ids=str)
def test_a_library_is_used_in_its_room_alone(library: str, places: tuple[str, ...]) -> None:
    found = [
        module
        for module, path in ALL
        if not any(within(module, place) for place in places)
        for name in imports(path)
        if within(name, library)
    ]
    assert found == []


def test_one_package_alone_opens_sockets_to_others() -> None:
    ours = ("federation.client", "node.operations", "node.commands")  # the last two listen, and ask our own node
    found = [
        f"{module} imports {name}"
        for module, path in ALL
        if not any(within(module, place) for place in ours)
        for name in imports(path)
        if name in SOCKETS
    ]
    assert found == []


def test_only_the_database_module_commits() -> None:
    found = []
    for module, path in ALL:
        if module == "node.database":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "commit":
                found.append(f"{module}:{node.lineno}")
    assert found == []


def test_actions_and_queries_open_no_transaction() -> None:
    below = ("node.actions", "node.queries", "node.policy", "node.content", "node.models")
    found = [module for module, path in ALL if any(within(module, place) for place in below) for name in imports(path)
             if name == "node.database.transaction"]  # fmt: skip
    assert found == []


def test_no_two_modules_need_each_other() -> None:
    graph = {module: {name for name in imports(path) if name in dict(ALL)} - {module} for module, path in ALL}
    circles = sorted(
        {" <-> ".join(sorted((one, other))) for one, names in graph.items() for other in names if one in graph[other]}
    )
    packages = {module for module, path in ALL if path.name == "__init__.py"}
    assert [circle for circle in circles if not any(name in packages for name in circle.split(" <-> "))] == []
