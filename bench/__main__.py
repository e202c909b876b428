"""`make bench`: every measurement of the project, one after the other."""

from __future__ import annotations

import platform

from bench import engine, hooks, predict, reading, referrals


def main() -> None:
    """Say what machine it is, then measure."""
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}\n")
    reading.main()
    print()
    engine.main()
    print()
    predict.main()
    print()
    hooks.main()
    print()
    referrals.main()


if __name__ == "__main__":
    main()
