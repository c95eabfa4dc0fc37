"""The scripts: help comes at once, and what a killed run leaves behind goes at the next start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import folders
from scripts.benchmarks.__main__ import SCENARIOS
from scripts.breakage.runs import RUNS, _Valkey

ROOT = Path(__file__).parents[1]
OWNER = "import sys, time; from pathlib import Path; from scripts import folders; print(folders.make('demo', Path(sys.argv[1])), flush=True); time.sleep(60)"


@pytest.mark.parametrize("name", ["run", "demo", "bench", "faults"])
def test_help_needs_nothing_set_up(tmp_path, name):
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)  # alone: neither a Python is looked for nor anything installed
    for flag in ("--help", "-h"):
        said = subprocess.run([tmp_path / "scripts" / name, flag], capture_output=True, text=True, timeout=20, check=False)
        assert (said.returncode, said.stderr) == (0, "")
        assert said.stdout.startswith(f"scripts/{name}")


def test_help_names_every_scenario_and_every_fault():
    for name, known in (("bench", SCENARIOS), ("faults", RUNS)):
        said = subprocess.run([ROOT / "scripts" / name, "--help"], capture_output=True, text=True, timeout=20, check=True).stdout
        assert f" of {', '.join(known)}; all when none is named" in said


def test_the_server_that_a_fault_stops_leaves_nothing_outside_the_folder_of_its_run(tmp_path):
    assert _Valkey(tmp_path / "r06").url == f"unix://{tmp_path / 'r06'}/valkey.sock?db=0"


def test_the_folder_of_a_killed_process_goes_at_the_next_start_and_that_of_a_living_one_stays(tmp_path):
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        dead, living = (Path(process.stdout.readline().strip()) for process in (first, second))
        (dead / "data").mkdir()
        (dead / "data" / "file").write_text("left")
        first.send_signal(signal.SIGKILL)
        first.wait()
        with folders.temporary("demo", tmp_path) as ours:
            assert (dead.exists(), living.exists(), ours.exists()) == (False, True, True)
            assert folders.sweep("demo", tmp_path) == []
        assert not ours.exists()
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
            process.stdout.close()


def test_what_is_not_known_to_be_ours_stays(tmp_path):
    kept = folders.make("demo", tmp_path)
    folders.keep(kept)
    unmarked = tmp_path / "courtyard-demo-older"
    unmarked.mkdir()
    other_kind = folders.make("bench", tmp_path)
    os.close(folders._held.pop(other_kind))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / folders.OWNER).touch()
    link = tmp_path / "courtyard-demo-link"
    link.symlink_to(elsewhere)
    assert folders.sweep("demo", tmp_path) == []
    assert all(folder.exists() for folder in (kept, unmarked, other_kind, elsewhere, link))
    assert folders.sweep("bench", tmp_path) == [other_kind]
