"""Settings: every COURTYARD_* variable typed, explained and checked. The only place that knows their names.

`load()` reads an environment and the `.env` file of the data folder (the environment wins) and either returns a whole
`Settings` or raises `SettingsError` with one line a person can act on. The table of variables lives in
`node.settings_table`; this module puts their values together and checks what concerns more than one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from node.settings_table import VARIABLES, SettingsError, Variable, is_loopback, is_public, split_port

__all__ = ["Settings", "SettingsError", "SettingLine", "describe", "load", "shipped_folder"]

SHORTEST_SECRET = 32
SECRET_FILE = "secret_key"
LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere, the final zero included.
WELL_KNOWN_SECRETS = ("changeme", "change-me", "secret", "default", "example", "password", "insecure", "dev")


@dataclass(frozen=True)
class Settings:
    """What one node runs with. Values are checked; see `node.settings_table` for what each means."""

    data_dir: Path
    domain: str
    scheme: str
    bind: str
    database_url: str
    redis_url: str
    federation: str
    allow_private_addresses: bool
    workers: int
    web_threads: int
    rate_limits: bool
    secret_key: str
    ca_bundle: Path | None
    allowed_addresses: frozenset[tuple[str, int]]
    hosts_file: Path | None
    trusted_proxies: int
    log_format: str
    metrics_token: str
    embedded_redis: bool
    sources: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Return scheme, host and, when it is not the scheme's default, port: the start of every id of ours."""
        return f"{self.scheme}://{self.host}"

    @property
    def host(self) -> str:
        """Return the host as it stands in handles and ids: the port is part of it only when not the scheme's default."""
        name, port = split_port(self.domain)
        default = {"https": 443, "http": 80}[self.scheme]
        return name if port in (None, default) else f"{name}:{port}"

    @property
    def bind_address(self) -> tuple[str, int]:
        """Return host (without brackets) and port the web server listens on."""
        name, port = split_port(self.bind)
        return name.strip("[]"), port if port is not None else 8000

    @property
    def is_public(self) -> bool:
        """Say whether the domain can be reached by strangers, and so must be run with every guard on (W21)."""
        return is_public(self.domain)

    @property
    def media_dir(self) -> Path:
        """Return the folder uploaded and fetched files live in."""
        return self.data_dir / "media"


@dataclass(frozen=True)
class SettingLine:
    """One variable as `courtyard settings` shows it."""

    name: str
    value: str
    source: str
    meaning: str


def load(environ: Mapping[str, str], data_dir: Path | str | None = None, *, make_secret: bool = True) -> Settings:
    """Return the settings of the node in `data_dir` (else COURTYARD_DATA, else ./data).

    Makes the data folder and the secret key in it when they are missing, unless `make_secret` is off (then `secret_key`
    is empty). Raises SettingsError naming variable, value and what is allowed.
    """
    folder = Path(data_dir or environ.get("COURTYARD_DATA") or "data").absolute()
    given, sources = _gather(environ, folder / ".env")
    values = {variable.field: _read(variable, given) for variable in VARIABLES if variable.field != "data_dir"}
    if data_dir is not None:
        sources["COURTYARD_DATA"] = "argument"
    if values["scheme"] is None:
        values["scheme"] = "http" if is_loopback(str(values["domain"])) else "https"
    if "COURTYARD_DOMAIN" not in given and (port := split_port(str(values["bind"]))[1]):
        values["domain"] = f"localhost:{port}"  # who moves a node at home to another port moves its address with it
        if "COURTYARD_BIND" in given:
            sources["COURTYARD_DOMAIN"] = "COURTYARD_BIND"
    embedded = values["redis_url"] is None
    if embedded:
        values["redis_url"] = f"unix://{_quoted(socket_path(folder))}?db=0"
    if values["database_url"] is None:
        values["database_url"] = f"sqlite:///{folder / 'courtyard.sqlite3'}"
    if not values["secret_key"]:
        values["secret_key"] = _secret(folder, make=make_secret)
        sources["COURTYARD_SECRET_KEY"] = "data folder" if values["secret_key"] else "default"
    known = {variable.name for variable in VARIABLES}
    unknown = tuple(sorted(name for name in given if name not in known and not name.startswith("COURTYARD_TEST_")))
    settings = Settings(
        data_dir=folder, embedded_redis=embedded, sources=sources, unknown=unknown, **values  # type: ignore[arg-type]
    )  # fmt: skip
    _check(settings, given, environ)
    return settings


def describe(settings: Settings) -> Iterable[SettingLine]:
    """Yield every variable with its value in force (secrets masked), where it came from, and its meaning."""
    for variable in VARIABLES:
        value = getattr(settings, variable.field)
        yield SettingLine(variable.name, variable.show(value), settings.sources.get(variable.name, "default"), variable.meaning)


def shipped_folder(name: str) -> Path:
    """Return the folder `templates` or `static`: at the top of a checkout, inside the package of a wheel."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


def socket_path(data_dir: Path) -> Path:
    """Return where the embedded Valkey listens: in the data folder, or under /tmp when that path is too long for a socket.

    The same data folder gives the same path in every process, whatever its environment.
    """
    path = data_dir / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    from hashlib import sha256

    name = sha256(os.fsencode(data_dir)).hexdigest()[:20]
    return Path("/tmp") / f"courtyard-{os.getuid()}" / f"{name}.sock"  # noqa: S108 - the folder is checked to be ours


def _gather(environ: Mapping[str, str], file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return all COURTYARD_* variables and where each came from. An empty value counts as not set."""
    given: dict[str, str] = {}
    sources: dict[str, str] = {}
    for source, values in ((".env", _read_file(file)), ("environment", environ)):
        for name, value in values.items():
            if name.startswith("COURTYARD_") and value.strip():
                given[name] = value.strip()
                sources[name] = source
    return given, sources


def _read_file(file: Path) -> dict[str, str]:
    """Read NAME=value lines; `#` starts a comment line, quotes around a value and a leading `export` are taken off."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(file), "", f"a readable UTF-8 text file ({error})") from error
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise SettingsError(f"{file} line {number}", line, "NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if name.strip() == "COURTYARD_DATA":
            raise SettingsError(f"{file} line {number}", line, "COURTYARD_DATA in the environment: it says where this file is")
        values[name.strip()] = value
    return values


def _read(variable: Variable, given: Mapping[str, str]) -> object:
    """Return the variable's typed value, its default when it is not given."""
    text = given.get(variable.name)
    if text is None:
        return variable.default()
    try:
        return variable.parse(text)
    except (ValueError, OSError) as error:
        shown = "(hidden)" if variable.is_secret else text
        raise SettingsError(variable.name, shown, variable.allowed) from error


def _secret(folder: Path, *, make: bool) -> str:
    """Return the secret kept in the data folder, made now if there is none (mode 0600, never half written)."""
    file = folder / SECRET_FILE
    if not file.exists() and make:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = folder / f".{SECRET_FILE}.{os.getpid()}"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_urlsafe(48) + "\n")
                stream.flush()
                os.fsync(descriptor)
            try:
                os.link(fresh, file)  # Fails when another process was first: then theirs is the secret.
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        except OSError as error:
            raise SettingsError("COURTYARD_DATA", str(folder), f"a folder this user can write ({error.strerror})") from error
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError("COURTYARD_DATA", str(file), f"a secret this user can read ({error.strerror})") from error


def _check(settings: Settings, given: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Refuse what makes no sense together, and with a public domain everything unsafe (abuse case W21)."""
    secret = settings.secret_key
    if secret and len(secret.encode()) < SHORTEST_SECRET:
        raise SettingsError("COURTYARD_SECRET_KEY", f"{len(secret.encode())} bytes", f"at least {SHORTEST_SECRET} random bytes")
    if not settings.is_public:
        return
    if settings.scheme != "https":
        raise SettingsError("COURTYARD_SCHEME", settings.scheme, f"https, because {settings.domain} is a public domain")
    if not settings.rate_limits:
        raise SettingsError("COURTYARD_RATE_LIMITS", "off", f"on, because {settings.domain} is a public domain")
    if secret and (len(set(secret)) < 10 or secret.lower().startswith(WELL_KNOWN_SECRETS)):
        raise SettingsError("COURTYARD_SECRET_KEY", "(hidden)", "a random value of 32 bytes or more, not a sample one")
    debug = environ.get("FLASK_DEBUG", "").strip().lower()
    if debug not in ("", "0", "false", "no", "off"):
        raise SettingsError("FLASK_DEBUG", debug, f"off, because {settings.domain} is a public domain")


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))
