"""Makes .venv and keeps it equal to a lock file. Standard library only: it runs before anything is installed.

    python scripts/environment.py run    what the node needs (scripts/requirements.lock)
    python scripts/environment.py dev    that, and what its tests need (scripts/requirements-dev.lock)

Quick when nothing changed: a stamp in .venv holds the checksum of each lock it was made from.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": ROOT / "scripts" / "requirements.lock", "dev": ROOT / "scripts" / "requirements-dev.lock"}
LAUNCHER = """#!/bin/sh
exec "$(dirname "$0")/python" -m node "$@"
"""


def main(kind: str) -> None:
    """Bring .venv up to date for `kind` ('run' or 'dev'); say so only when there is something to do."""
    if not works(PYTHON):
        make()
    if stamp(kind).is_file() and stamp(kind).read_text() == checksum(kind):
        return
    install(kind)
    link()
    # The development lock holds the other's pins too; the other way round, what is there may have moved.
    done = ("run", "dev") if kind == "dev" else ("run",)
    for name in LOCKS:
        stamp(name).unlink(missing_ok=True)
    for name in done:
        stamp(name).write_text(checksum(name))


def works(python: Path) -> bool:
    """Say whether `python` is there, starts, is new enough and has pip (a moved checkout leaves one that does not)."""
    if not python.exists():
        return False
    test = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", test], capture_output=True).returncode == 0


def make() -> None:
    """Make .venv with this interpreter."""
    if importlib.util.find_spec("ensurepip") is None:
        stop(f"{sys.executable} cannot make a virtual environment: install the package python3-venv (Debian, Ubuntu)")
    say(f"Making .venv with Python {sys.version.split()[0]}")
    if VENV.exists():
        shutil.rmtree(VENV)
    result = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if result.returncode:
        stop("cannot make .venv: " + last_line(result.stdout + result.stderr))


def install(kind: str) -> None:
    """Install the lock with its hashes, showing how far it is."""
    lock = LOCKS[kind]
    total = len(re.findall(r"^[^\s#]+==", lock.read_text(), re.MULTILINE))
    say(f"Installing {total} packages from {lock.relative_to(ROOT)}, hashes checked (a minute or two the first time)")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-input", "--disable-pip-version-check"]
    process = subprocess.Popen(
        [*command, "--progress-bar", "off", "-r", str(lock)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines: list[str] = []
    seen = 0
    for line in process.stdout:
        lines.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            progress(seen, total, line.split(": ")[-1].removeprefix("Collecting ").split("==")[0].strip())
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if process.wait():
        sys.stderr.writelines(lines[-15:])
        stop("pip could not install the packages above; is there a network, and a package index pip may use?")


def link() -> None:
    """Let .venv import this checkout, and give it the `courtyard` command."""
    packages = next((VENV / "lib").glob("python3.*")) / "site-packages"
    (packages / "courtyard-checkout.pth").write_text(f"{ROOT}\n")
    launcher = VENV / "bin" / "courtyard"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


def stamp(kind: str) -> Path:
    """Return the file that remembers which lock was installed last."""
    return VENV / f"courtyard-{kind}.sha256"


def checksum(kind: str) -> str:
    """Return the lock's checksum, mixed with this file's: a new way to install installs anew."""
    return hashlib.sha256(LOCKS[kind].read_bytes() + Path(__file__).read_bytes()).hexdigest()


def progress(seen: int, total: int, name: str) -> None:
    """Show one line that is written over on a terminal, and every tenth package elsewhere."""
    if sys.stderr.isatty():
        print(f"\r  {min(seen, total)}/{total} {name:<40.40}", end="", file=sys.stderr, flush=True)
    elif seen % 10 == 0 or seen == total:
        say(f"  {seen}/{total} {name}")


def last_line(text: str) -> str:
    """Return the last line that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given")


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def stop(reason: str) -> None:
    """End with one line that says what is missing."""
    sys.exit(f"courtyard: {reason}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: scripts/environment.py run|dev")
    main(sys.argv[1])
