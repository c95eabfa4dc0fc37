"""How other servers are doing, as deliveries find out: scheme, breaker, how much at once. Facts learned, not decisions.

The rules are `federation.delivery`'s (promises G5, G6); here they meet their rows. What a healthy host does costs no write.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from federation.delivery import Breaker, Flow, Outcome, after_failure, after_success, begin_probe, hold, is_host_failure
from node.actions.feeds import insert_ignoring
from node.actions.tries import HostState, Result
from node.database import ring
from node.models import Host, Lane

QUIET = {"synchronize_session": False}


def host_states(session: Session, hosts: Collection[str]) -> dict[str, HostState]:
    """Return what we know of each host; one we know nothing of starts fresh."""
    found = {host: HostState(host) for host in hosts}
    # Columns, not entities: hundreds of these are read for each claim.
    columns = select(Host.host, Host.scheme, Host.breaker, Host.in_flight_limit, Host.successes).where(Host.host.in_(hosts))
    for host, scheme, breaker, limit, successes in session.execute(columns):
        found[host] = HostState(host, scheme, read_breaker(breaker), Flow(limit, successes), is_known=True)
    return found


def learn(session: Session, results: Sequence[Result], now: datetime) -> None:
    """Write how each host did, where that changes anything: a healthy host costs no write."""
    states = {result.claim.host.host: result.claim.host for result in results}
    troubled = [result for result in results if not _is_plain(result)]
    if troubled:
        states.update(host_states(session, {result.claim.host.host for result in troubled}))
    fresh: dict[str, HostState] = dict(states)
    last: dict[str, Result] = {}
    for result in results:
        host = result.claim.host.host
        fresh[host] = _after(fresh[host], result, now)
        last[host] = result
    unknown = [host for host, state in states.items() if not state.is_known]
    if unknown:
        _insert_hosts(session, [fresh[host] for host in unknown], last, now)
    changed = [fresh[host] for host in states if host not in unknown and _differs(states[host], fresh[host])]
    for state in changed:
        _write_host(session, state, last[state.host], now)


def pause_of(breaker: Breaker, now: datetime) -> datetime | None:
    """Return until when nothing may be sent to this host; None when it may be tried now."""
    until = max((moment for moment in (breaker.held_until, breaker.next_probe_at) if moment is not None), default=None)
    return until if until is not None and until > now else None


def postpone(session: Session, host: str, until: datetime) -> None:
    """Put a paused host's lanes out of the way: they take no place among those that are due, and spend no try (G5)."""
    later = update(Lane).where(Lane.host == host, Lane.next_at < until)
    session.execute(later.values(next_at=until), execution_options=QUIET)


def book_probe(session: Session, state: HostState, now: datetime) -> HostState:
    breaker = begin_probe(state.breaker, now)
    session.execute(
        update(Host).where(Host.host == state.host).values(breaker=write_breaker(breaker), closed_until=breaker.next_probe_at),
        execution_options=QUIET,
    )
    return replace(state, breaker=breaker)


def wake_host(session: Session, host: str, now: datetime) -> None:
    """Forget a host's failures and try everything that waits for it now: an admin says it is back."""
    session.execute(update(Host).where(Host.host == host).values(breaker={}, closed_until=None), execution_options=QUIET)
    _wake(session, host, now)


def heard_from(session: Session, names: Collection[str], now: datetime) -> None:
    """Something valid came in from these hosts: their breakers close, and what waited for them goes out (promise G5).

    A pause that a host asked for (Retry-After) stays; its lanes are due when that ends.
    """
    troubled = select(Host.host, Host.breaker).where(Host.host.in_(names), Host.closed_until.is_not(None)).order_by(Host.host)
    for host, kept in session.execute(troubled.with_for_update()).all():
        before = read_breaker(kept)
        breaker = after_success(before, now)
        pause = pause_of(breaker, now)
        closed = update(Host).where(Host.host == host).values(breaker=write_breaker(breaker), closed_until=pause)
        session.execute(closed, execution_options=QUIET)
        if before.is_open:
            _wake(session, host, pause or now)
            ring(session, "outbound")


def read_breaker(values: dict[str, Any]) -> Breaker:
    """Return the breaker kept as plain values (ISO times)."""
    if not values:
        return Breaker()

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(values[name]) if values.get(name) else None

    recent = tuple(datetime.fromisoformat(text) for text in values.get("recent", ()))
    return Breaker(recent, moment("failing_since"), moment("next_probe_at"), int(values.get("probes", 0)), moment("held_until"))


def write_breaker(breaker: Breaker) -> dict[str, Any]:
    """Return a breaker as plain values; an untroubled one as {}."""
    if breaker == Breaker():
        return {}

    def text(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "recent": [moment.isoformat() for moment in breaker.recent],
        "failing_since": text(breaker.failing_since),
        "next_probe_at": text(breaker.next_probe_at),
        "probes": breaker.probes,
        "held_until": text(breaker.held_until),
    }


def _is_plain(result: Result) -> bool:
    return result.outcome is Outcome.DELIVERED and result.claim.host.breaker == Breaker() and result.claim.host.is_known


def _after(state: HostState, result: Result, now: datetime) -> HostState:
    what = result.error if result.error is not None else result.answer
    breaker, flow = state.breaker, state.flow
    if result.outcome is Outcome.DELIVERED:
        breaker, flow = after_success(breaker, now), flow.after_success()
    elif what is not None and is_host_failure(what):
        breaker, flow = after_failure(breaker, now), flow.after_failure()
    if result.answer is not None and result.answer.retry_after and result.outcome is Outcome.RETRY:
        breaker = hold(breaker, now, result.answer.retry_after)
    return replace(state, breaker=breaker, flow=flow, scheme=result.learned_scheme or state.scheme)


def _differs(before: HostState, after: HostState) -> bool:
    flow_matters = before.flow.in_flight_limit != after.flow.in_flight_limit or after.flow.successes - before.flow.successes >= 5
    return before.breaker != after.breaker or before.scheme != after.scheme or flow_matters


def _insert_hosts(session: Session, states: Sequence[HostState], last: dict[str, Result], now: datetime) -> None:
    never = {"last_success_at": None, "last_failure_at": None}
    rows = [{"host": state.host, "used_at": now, **never, **_values(state, last[state.host], now)} for state in states]
    insert_ignoring(session, Host, rows)
    for state in states:
        if state.breaker.is_open:
            postpone(session, state.host, state.breaker.next_probe_at or now)


def _write_host(session: Session, state: HostState, result: Result, now: datetime) -> None:
    session.execute(
        update(Host).where(Host.host == state.host).values(used_at=now, **_values(state, result, now)), execution_options=QUIET
    )
    pause = pause_of(state.breaker, now)
    if pause is not None:
        postpone(session, state.host, pause)
    elif result.outcome is Outcome.DELIVERED and result.claim.host.breaker.is_open:
        _wake(session, state.host, now)


def _wake(session: Session, host: str, now: datetime) -> None:
    """The host is back: its waiting lanes are due at `now`, which may lie ahead, and no later."""
    session.execute(update(Lane).where(Lane.host == host, Lane.next_at > now).values(next_at=now), execution_options=QUIET)


def _values(state: HostState, result: Result, now: datetime) -> dict[str, Any]:
    took_it = result.outcome is Outcome.DELIVERED
    values: dict[str, Any] = {
        "scheme": state.scheme,
        "breaker": write_breaker(state.breaker),
        "closed_until": pause_of(state.breaker, now),
        "in_flight_limit": state.flow.in_flight_limit,
        "successes": state.flow.successes,
    }
    values["last_success_at" if took_it else "last_failure_at"] = now
    values["last_reason"] = "" if took_it else result.reason[:500]
    return values
