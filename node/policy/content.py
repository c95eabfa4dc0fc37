"""Content rules: what in a post of ours holds it, or keeps it back, on its way out. Searched once for each post.

Pure but for the time limit of patterns: one that takes too long counts as found, so that nothing slips through by being slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import regex  # type: ignore[import-untyped]

from node.policy.facts import Facts, Findings, Verdict
from node.policy.scopes import Scope, covering_hosts

K = TypeVar("K")
PATIENCE = 0.05
"""Seconds that one pattern may take with one post."""
_WORD = regex.compile(r"[\w][\w'’-]*")


class LooksFor(StrEnum):
    """What a rule looks for. `anything` stands for every post in its scope."""

    WORD = "word"
    PATTERN = "pattern"
    TAG = "tag"
    MENTION = "mention"
    ATTACHMENT = "attachment"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class ContentRule:
    """`name` is what the author reads. `value`: a word or phrase, a pattern, a tag, a host or handle, or ''.

    `verdict` is HOLD (somebody must let it go) or WITHHOLD. `subject` names the actor, space or host of its scope.
    """

    id: int
    name: str
    looks_for: LooksFor
    value: str
    verdict: Verdict
    scope: Scope = Scope.NODE
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A post of ours as rules look at it: `mentions` are handles (name@host, name for ours), `files` how many it has."""

    text: str
    tags: frozenset[str] = frozenset()
    mentions: frozenset[str] = frozenset()
    files: int = 0


@dataclass(frozen=True)
class ContentRules:
    """The rules with their indexes, made once for each snapshot."""

    rules: tuple[ContentRule, ...] = ()
    by_id: Mapping[int, ContentRule] = field(init=False, repr=False)
    _words: Mapping[str, tuple[ContentRule, ...]] = field(init=False, repr=False)
    _phrases: tuple[tuple[str, ContentRule], ...] = field(init=False, repr=False)
    _patterns: tuple[tuple[object, ContentRule], ...] = field(init=False, repr=False)
    _tags: Mapping[str, tuple[ContentRule, ...]] = field(init=False, repr=False)
    _mentions: Mapping[str, tuple[ContentRule, ...]] = field(init=False, repr=False)
    _files: tuple[ContentRule, ...] = field(init=False, repr=False)
    _anything: Mapping[tuple[Scope, str], tuple[ContentRule, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        of = {kind: tuple(rule for rule in self.rules if rule.looks_for is kind) for kind in LooksFor}
        words = [(words_of(rule.value), rule) for rule in of[LooksFor.WORD]]
        made = {
            "by_id": {rule.id: rule for rule in self.rules},
            "_words": _index((found[0], rule) for found, rule in words if len(found) == 1),
            "_phrases": tuple((f" {' '.join(found)} ", rule) for found, rule in words if len(found) > 1),
            "_patterns": tuple((compiled(rule.value), rule) for rule in of[LooksFor.PATTERN]),
            "_tags": _index((rule.value.removeprefix("#").casefold(), rule) for rule in of[LooksFor.TAG]),
            "_mentions": _index((rule.value.removeprefix("@").casefold(), rule) for rule in of[LooksFor.MENTION]),
            "_files": of[LooksFor.ATTACHMENT],
            "_anything": _index(((rule.scope, rule.subject), rule) for rule in of[LooksFor.ANYTHING]),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def find(self, content: Content, actor: str, space: str) -> Findings:
        """Return which rules find something in a post of `actor` in `space` ('' for none). Once for each version of a post."""
        found = [rule for rule in self._found(content) if _is_about(rule, actor, space)]
        for scope, subject in ((Scope.NODE, ""), (Scope.ACTOR, actor), (Scope.SPACE, space)):
            found += self._anything.get((scope, subject), ()) if subject or scope is Scope.NODE else ()
        found += (rule for (scope, _), rules in self._anything.items() if scope is Scope.PEER for rule in rules)
        by_peer: dict[str, list[int]] = {}
        for rule in found:
            if rule.scope is Scope.PEER:
                by_peer.setdefault(rule.subject, []).append(rule.id)
        everywhere = sorted({rule.id for rule in found if rule.scope is not Scope.PEER})
        return Findings(tuple(everywhere), {host: tuple(sorted(set(ids))) for host, ids in by_peer.items()})

    def speaking(self, facts: Facts) -> Iterator[ContentRule]:
        """Yield the rules that found something and are about this server."""
        if facts.found is None:
            return
        ids = list(facts.found.everywhere)
        if facts.found.by_peer:
            ids += (one for host in covering_hosts(facts.host) for one in facts.found.by_peer.get(host, ()))
        yield from (self.by_id[one] for one in ids if one in self.by_id)

    def strictest(self, found: Findings) -> Verdict | None:
        """Return what the rules for every server say about a post, None when they say nothing."""
        verdicts = {self.by_id[one].verdict for one in found.everywhere if one in self.by_id}
        return Verdict.WITHHOLD if Verdict.WITHHOLD in verdicts else Verdict.HOLD if verdicts else None

    def _found(self, content: Content) -> Iterator[ContentRule]:
        words = words_of(content.text)
        for word in set(words):
            yield from self._words.get(word, ())
        if self._phrases:
            line = f" {' '.join(words)} "
            yield from (rule for phrase, rule in self._phrases if phrase in line)
        yield from (rule for pattern, rule in self._patterns if is_found(pattern, content.text))
        for tag in content.tags:
            yield from self._tags.get(tag.casefold(), ())
        for handle in content.mentions:
            yield from self._mentions.get(handle.casefold(), ())
            for host in covering_hosts(handle.casefold().partition("@")[2]):
                yield from self._mentions.get(host, ())
        if content.files:
            yield from self._files


def words_of(text: str) -> list[str]:
    """Return the words of a text, without regard to case."""
    return [found.casefold() for found in _WORD.findall(text)]


def compiled(pattern: str) -> object:
    """Return the pattern, ready to search without regard to case. Raises ValueError when it is none."""
    try:
        return regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(str(error)) from error


def is_found(pattern: object, text: str, patience: float = PATIENCE) -> bool:
    """Say whether the pattern is in the text; one that takes longer than `patience` (seconds) counts as found."""
    try:
        return pattern.search(text, timeout=patience) is not None  # type: ignore[attr-defined]
    except TimeoutError:
        return True


def _is_about(rule: ContentRule, actor: str, space: str) -> bool:
    match rule.scope:
        case Scope.ACTOR:
            return rule.subject == actor
        case Scope.SPACE:
            return rule.subject == space
    return True


def _index(pairs: Iterable[tuple[K, ContentRule]]) -> dict[K, tuple[ContentRule, ...]]:
    found: dict[K, list[ContentRule]] = {}
    for key, rule in pairs:
        found.setdefault(key, []).append(rule)
    return {key: tuple(rules) for key, rules in found.items()}
