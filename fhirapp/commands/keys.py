"""`stride keys`: make the secrets of an installation."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from smart_launch.keys import KeyRing

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # no dot and no slash: it stays below DIR/keys


def add(commands: Any) -> None:
    """Register the command."""
    keys = commands.add_parser(
        "keys",
        help="make signing keys and the secret file",
        description="Makes DIR/secret (sealing, links) unless it is there, and a new pair of signing keys "
        "(RS384, ES384) in DIR/keys. The newest pair signs; older ones stay published until you remove them, so "
        "that a rotation is: run this, restart, and remove the old file a day later. With --tenant the pair is that "
        "hospital's own, in DIR/keys/NAME: nothing else signs for it then, and it signs for nobody else.",
    )
    keys.add_argument("folder", type=Path, metavar="DIR")
    keys.add_argument("--tenant", metavar="NAME", type=_name, help="for this hospital alone")
    keys.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the files, readable only by the user who runs the service."""
    folder: Path = arguments.folder
    made = make_secrets(folder, arguments.tenant)
    print(f"Wrote {', '.join(str(path) for path in made)}")
    if arguments.tenant:
        print(f"Register PUBLIC-ADDRESS/smart/{arguments.tenant}/jwks.json at its EHR", file=sys.stderr)
    print(f"Set STRIDE_SECRET_FILE={folder / 'secret'} and STRIDE_KEYS={folder / 'keys'}", file=sys.stderr)
    return 0


def make_secrets(folder: Path, tenant: str | None = None) -> list[Path]:
    """The secret (once) and a new pair of signing keys, a tenant's own or the common one; returns what was written."""
    keys = folder / "keys" / (tenant or "")
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = []
    secret = folder / "secret"
    if not secret.exists():
        _write(secret, secrets.token_urlsafe(48))
        made.append(secret)
    path = keys / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    _write(path, json.dumps(KeyRing.generated().private_jwks(), indent=1))
    return [*made, path]


def _name(text: str) -> str:
    """A tenant's name, which becomes that of a folder."""
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a tenant")
    return text


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
