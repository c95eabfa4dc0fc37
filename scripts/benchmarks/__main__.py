"""`scripts/bench`: choose scenarios, measure, print the table, write JSON."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from scripts import folders
from scripts.benchmarks import bad_hosts, ceiling, gate, inbound, ledger, outbound, start, timeline
from scripts.benchmarks.bench import Bench
from scripts.benchmarks.fake_hosts import FakeHosts
from scripts.benchmarks.report import Figure, heading, show, write_json
from scripts.running_node import NodeFailed

SCENARIOS: dict[str, Callable[[Bench], Iterable[Figure]]] = {
    "start": start.measure,
    "in": inbound.measure,
    "out": outbound.measure,
    "bad-hosts": bad_hosts.measure,
    "timeline": timeline.measure,
    "ledger": ledger.measure,
    "gate": gate.measure,
}


def main() -> int:
    """Run what was asked for. Returns 1 when a scenario could not be measured; a goal that is missed is no error."""
    options = parser()
    arguments = options.parse_args()
    unknown = set(arguments.scenario) - set(SCENARIOS)
    if unknown:
        options.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    folder = folders.make("bench", arguments.folder)
    figures: list[Figure] = []
    failed = False
    hosts = FakeHosts.start()
    try:
        print("  measuring this machine", file=sys.stderr, flush=True)
        limits = ceiling.measure(0.3 if arguments.quick else 1.0)
        bench = Bench(folder, hosts, limits, arguments.quick)
        figures += limits.figures()
        print(heading())
        for figure in figures:
            print(show(figure), flush=True)
        for name in arguments.scenario or SCENARIOS:
            begun = time.monotonic()
            try:
                for figure in SCENARIOS[name](bench):
                    figures.append(figure)
                    print(show(figure), flush=True)
            except NodeFailed as error:
                failed = True
                print(f"{name:<10} could not be measured: {error}", file=sys.stderr)
            bench.say(f"{name} took {time.monotonic() - begun:.0f} s")
        if arguments.json:
            write_json(arguments.json, figures)
    finally:
        hosts.stop()
        if arguments.keep:
            folders.keep(folder)
            print(f"  data is kept in {folder}", file=sys.stderr)
        else:
            folders.remove(folder)
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures a real node against fake hosts on loopback and prints what this machine could do at best.",
    )
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="smaller sizes: a look, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--folder", type=Path, help="where the nodes' data goes; a temporary folder when not given")
    parser.add_argument("--keep", action="store_true", help="keep the nodes' data")
    return parser


if __name__ == "__main__":
    sys.exit(main())
