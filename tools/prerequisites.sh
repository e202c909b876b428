#!/usr/bin/env bash
# Says what a machine lacks to run Stride, and how to get it on Debian or Ubuntu. Exit code 1 when something is missing.
set -u
python="${1:-python3}"
missing=()

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  missing+=("Python 3.11 or newer (apt install python3); or say which: make PYTHON=python3.12 ...")
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing+=("Python's venv with pip (apt install python3-venv)")
command -v git >/dev/null || missing+=("git (apt install git)")
command -v make >/dev/null || missing+=("make (apt install make)")
"$python" -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null ||
  missing+=("libgomp1, which LightGBM needs (apt install libgomp1)")

[ "${#missing[@]}" -eq 0 ] && exit 0
echo "This machine lacks:"
printf '  - %s\n' "${missing[@]}"
exit 1
