"""What RQ calls, by name. Each function drains its queue's due rows in a fresh app context and is a no-op without any."""

from __future__ import annotations

from flask import current_app

from node.jobs import delivery, fetching, receiving
from node.jobs.housekeeping import sweep


def outbound() -> None:
    """Deliver what is due."""
    delivery.drain(current_app._get_current_object())  # type: ignore[attr-defined]


def inbound() -> None:
    """Let accepted activities take effect."""
    receiving.drain(current_app._get_current_object())  # type: ignore[attr-defined]


def fetch() -> None:
    """Fetch what effects wait for."""
    fetching.drain(current_app._get_current_object())  # type: ignore[attr-defined]


def housekeeping() -> None:
    """Sweep: expire, cap, repair."""
    sweep(current_app._get_current_object())  # type: ignore[attr-defined]
