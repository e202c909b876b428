"""The command `stride`; one small module for each group of commands in `fhirapp/commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

from fhirapp.config import ConfigInvalid
from fhirapp.tenants import TenantsInvalid

_MODULES: Final = (
    "demo", "assess", "hook", "serve", "check", "database", "keys", "train", "score", "evaluate", "models",
    "synth", "audit", "purge", "export", "tenant", "jobs",
)  # fmt: skip
_ALONE: Final = {"serve": "serve", "worker": "serve"}  # what must start quickly loads nothing of the others

DESCRIPTION: Final = """\
Stride makes exercise referral the default in cancer care and physiotherapy.

  Try it:      stride demo              a demo hospital and the service on this machine
  Prove it:    stride demo --check      runs the whole story and says each step
  Look at one: stride assess CHART.json the verdict, reasons and dose for one chart
  Call a hook: stride hook REQUEST.json the cards for a saved request, and the time it took
  Run it:      stride check; stride serve; stride worker
"""


def parser(asked: str = "") -> argparse.ArgumentParser:
    """The whole command line; of a command that is `asked` for and must start quickly, that one."""
    top = argparse.ArgumentParser(
        prog="stride", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"stride {version('stride-referral')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (_ALONE[asked],) if asked in _ALONE else _MODULES:
        import_module(f"fhirapp.commands.{module}").add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 for done, 1 for failed, 2 for input that cannot be used."""
    given = sys.argv[1:] if argv is None else argv
    arguments = parser(next(iter(given), "")).parse_args(given)
    try:
        code: int = arguments.run(arguments)
        return code
    except (ConfigInvalid, TenantsInvalid) as error:
        print("The configuration cannot be used:", file=sys.stderr)
        for problem in error.problems:
            print(f"  - {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
