"""`scripts/faults`: break a node on loopback and say what was lost. Exits 1 when a promise was broken."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from scripts import folders
from scripts.breakage.runs import RUNS, Report


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN", help=f"which ({', '.join(RUNS)}); all when none is named")
    parser.add_argument("--short", action="store_true", help="the form that CI runs: fewer posts and kills")
    parser.add_argument("--json", metavar="FILE", help="write what was found there, too")
    given = parser.parse_args()
    unknown = [name for name in given.runs if name not in RUNS]
    if unknown:
        parser.error(f"no such run: {', '.join(unknown)} (there are {', '.join(RUNS)})")
    reports = [run(name, is_short=given.short) for name in given.runs or RUNS]
    if given.json:
        Path(given.json).write_text(json.dumps([vars(report) for report in reports], default=str, indent=1))
    return 1 if any(report.problems for report in reports) else 0


def run(name: str, *, is_short: bool) -> Report:
    """Run one fault in a folder of its own and print what it showed."""
    begun = time.monotonic()
    print(f"{name}: {(RUNS[name].__doc__ or '').strip()}", flush=True)
    with folders.temporary("faults") as folder:
        report = RUNS[name](folder, is_short)
    verdict = "kept" if not report.problems else "BROKEN: " + "; ".join(report.problems)
    facts = ", ".join(f"{what}: {value}" for what, value in report.facts.items())
    print(f"  {verdict} ({time.monotonic() - begun:.0f} s; {facts})", flush=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
