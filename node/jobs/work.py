"""What RQ calls, by name. Each function drains its queue's due rows in a fresh app context and is a no-op without any."""

from __future__ import annotations

import time

from flask import current_app

from node.jobs import delivery, fetching, receiving
from node.jobs.housekeeping import sweep

MEANWHILE = 5.0
PAUSE = 0.05
"""Seconds between two jobs that find another process at their work: each costs some milliseconds."""


def outbound() -> None:
    """Deliver what is due."""
    delivery.drain(current_app._get_current_object())  # type: ignore[attr-defined]


def inbound() -> None:
    """Let accepted activities take effect. When another process is at it, deliver meanwhile: bells for this ring on."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if receiving.drain(app) is None:
        delivery.drain(app, MEANWHILE)
        time.sleep(PAUSE)


def fetch() -> None:
    """Fetch what effects wait for."""
    fetching.drain(current_app._get_current_object())  # type: ignore[attr-defined]


def housekeeping() -> None:
    """Sweep: expire, cap, repair."""
    sweep(current_app._get_current_object())  # type: ignore[attr-defined]
