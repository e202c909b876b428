"""`stride synth`: a made-up hospital to test training on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

_ABOUT = """\
Writes a Bulk Data export (NDJSON, a file for each type) of a hospital that does not exist, and truth.json with the
coefficients by which its people die, decline, take up exercise and come to its sessions. `stride train risk --from-fhir
DIR`, with each --label and --landmark, must find them again.
The same number and seed make the same hospital. It says nothing about real people.
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "synth",
        help="write a made-up hospital with known coefficients",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the export")
    parser.add_argument("--patients", type=_count, default=5000, metavar="N", help="how many people (default: 5000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of every draw (default: 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the export and says what is in it; 2 when it cannot be written."""
    from fhirapp.synth import write_hospital

    try:
        written = write_hospital(args.out, args.patients, args.seed)
    except OSError as error:
        print(f"stride synth: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    for kind, count in sorted(written.items()):
        print(f"  {kind:<16} {count:>8,}")
    print(f"{args.out}: the truth is in truth.json; train with: stride train risk --from-fhir {args.out}")
    return 0


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one person")
    return count
