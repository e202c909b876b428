"""Settings from the environment, checked at start: one frozen value, read nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

DEFAULT_DATABASE: Final = "sqlite:///stride.sqlite"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class ConfigInvalid(Exception):
    """The settings cannot be used; `problems` says why, a plain sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


Credentials = Mapping[str, str] | None  # by the name of the variable
_NEVER_SHOWN: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that differs between installations. `docs/reference/settings.md` is made from these comments."""

    tenants_file: Path  # STRIDE_TENANTS: the TOML file of tenants
    public_url: str  # STRIDE_PUBLIC_URL: the address by which EHRs and browsers reach the service
    secret: bytes  # STRIDE_SECRET_FILE: a file with at least 32 random bytes; seals contact data, signs links
    keys_dir: Path  # STRIDE_KEYS: a folder with the private keys that sign our assertions (made by `stride keys`)
    database_url: str = DEFAULT_DATABASE  # STRIDE_DATABASE_URL: SQLite or PostgreSQL
    embedded_worker: bool = True  # STRIDE_EMBEDDED_WORKER: run the dispatcher inside each web process
    demo: bool = False  # STRIDE_DEMO: show the outbox, let the clock be moved; loopback only
    insecure_http: bool = False  # STRIDE_INSECURE_HTTP: let EHRs be reached over plain http; loopback only
    log_level: str = "INFO"  # STRIDE_LOG_LEVEL: DEBUG, INFO, WARNING or ERROR
    prediction_features: str = "hashed"  # STRIDE_PREDICTION_FEATURES: model inputs in the log: hashed or stored
    credentials: Credentials = _NEVER_SHOWN  # STRIDE_CREDENTIAL_NAME: a password that the tenants file names

    @property
    def loopback(self) -> bool:
        """True when the public address is this very machine."""
        return (urlsplit(self.public_url).hostname or "") in LOOPBACK

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """The settings of `env`; raises `ConfigInvalid` with all problems at once."""
        problems: list[str] = []
        secret = _secret(env, problems)
        public_url = _required(env, "STRIDE_PUBLIC_URL", "https://stride.example.org", problems).rstrip("/")
        config = cls(
            tenants_file=Path(_required(env, "STRIDE_TENANTS", "/etc/stride/tenants.toml", problems)),
            public_url=public_url,
            secret=secret,
            keys_dir=Path(_required(env, "STRIDE_KEYS", "/etc/stride/keys", problems)),
            database_url=env.get("STRIDE_DATABASE_URL") or DEFAULT_DATABASE,
            embedded_worker=_flag(env, "STRIDE_EMBEDDED_WORKER", True, problems),
            demo=_flag(env, "STRIDE_DEMO", False, problems),
            insecure_http=_flag(env, "STRIDE_INSECURE_HTTP", False, problems),
            log_level=env.get("STRIDE_LOG_LEVEL", "INFO").upper(),
            prediction_features=env.get("STRIDE_PREDICTION_FEATURES", "hashed").lower(),
            credentials={name: value for name, value in env.items() if name.startswith("STRIDE_CREDENTIAL_")},
        )
        problems.extend(_dangers(config))
        if problems:
            raise ConfigInvalid(problems)
        return config


def _dangers(config: Config) -> list[str]:
    said = []
    if config.demo and not config.loopback:
        said.append("STRIDE_DEMO is on, but STRIDE_PUBLIC_URL is not this machine: a demo must stay on loopback")
    if config.insecure_http and not config.loopback:
        said.append("STRIDE_INSECURE_HTTP is on, but STRIDE_PUBLIC_URL is not this machine: use https")
    if config.public_url and not config.loopback and not config.public_url.startswith("https://"):
        said.append("STRIDE_PUBLIC_URL must start with https://")
    if config.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        said.append("STRIDE_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    if config.prediction_features not in ("hashed", "stored"):
        said.append("STRIDE_PREDICTION_FEATURES must be hashed or stored")
    return said


def _required(env: Mapping[str, str], name: str, example: str, problems: list[str]) -> str:
    value = env.get(name, "")
    if not value:
        problems.append(f"{name} is not set; for example {name}={example}")
    return value


def _secret(env: Mapping[str, str], problems: list[str]) -> bytes:
    path = env.get("STRIDE_SECRET_FILE", "")
    if not path:
        problems.append("STRIDE_SECRET_FILE is not set; make one with: stride keys DIR")
        return b""
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        problems.append(f"STRIDE_SECRET_FILE {path} cannot be read: {error.strerror}")
        return b""
    if len(secret) < 32:
        problems.append(f"STRIDE_SECRET_FILE {path} holds fewer than 32 bytes")
    return secret


def _flag(env: Mapping[str, str], name: str, default: bool, problems: list[str]) -> bool:
    value = env.get(name, "").strip().lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if value == "" else value in ("1", "true", "yes", "on")
    problems.append(f'{name} must be 1 or 0, not "{value}"')
    return default
