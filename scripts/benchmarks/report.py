"""Figures and how they are shown: a table for people, JSON for machines."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value. `goal` is what it should reach, `ceiling` what this machine can do at best, both as text."""

    scenario: str
    name: str
    value: float
    unit: str
    goal: str = ""
    is_reached: bool | None = None
    ceiling: str = ""
    note: str = ""


def at_least(scenario: str, name: str, value: float, unit: str, goal: float, **more: str) -> Figure:
    """Return a figure that is good when it is high."""
    return Figure(scenario, name, value, unit, f">= {goal:g}", value >= goal, **more)


def at_most(scenario: str, name: str, value: float, unit: str, goal: float, **more: str) -> Figure:
    """Return a figure that is good when it is low."""
    return Figure(scenario, name, value, unit, f"<= {goal:g}", value <= goal, **more)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie; nearest rank, 0.0 for no values."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(figure: Figure) -> str:
    """Return one line of the table."""
    mark = {True: "yes", False: "NO", None: ""}[figure.is_reached]
    value = f"{figure.value:,.0f}" if abs(figure.value) >= 100 else f"{figure.value:.3g}"
    return (
        f"{figure.scenario:<10} {figure.name:<46} {value:>10} {figure.unit:<12} {figure.goal:<9} {mark:<4}"
        f"{figure.ceiling} {figure.note}"
    ).rstrip()


def heading() -> str:
    return f"{'scenario':<10} {'figure':<46} {'value':>10} {'unit':<12} {'goal':<9} {'':<4}ceiling here, notes"


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    """Write all figures with the machine they were measured on."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "processor": processor()}
    text = json.dumps({"machine": machine, "figures": [asdict(figure) for figure in figures]}, indent=2)
    path.write_text(text + "\n")


def processor() -> str:
    """Return the processor's name as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
