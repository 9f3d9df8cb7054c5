#!/bin/sh
# Libraries in Python beside ours, in one run; see docs/comparison.md. Whatever it is called with is handed on: `--mailboxes 3 --compare-only` times nothing.
#
#   OPTIGOV_PYTHON   a Python interpreter that has requirements.txt and that of crates/optigov-exchange-simulator/python; without it, target/python is made
#   OPTIGOV_PROFILE  the build of our side: `release`, or `dev`, which is quicker built and far slower
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
if [ -z "${OPTIGOV_PYTHON:-}" ]; then
    [ -x target/python/bin/python ] || python3 -m venv target/python
    OPTIGOV_PYTHON="$PWD/target/python/bin/python"
fi
"$OPTIGOV_PYTHON" -m pip install --quiet --disable-pip-version-check -r crates/optigov-exchange-simulator/python/requirements.txt -r "$here/requirements.txt"
profile=${OPTIGOV_PROFILE:-release}
program=$(cargo build --locked --quiet --profile "$profile" --example peers --message-format=json |
    "$OPTIGOV_PYTHON" -c '
import json, sys
lines = (json.loads(line) for line in sys.stdin)
print([m["executable"] for m in lines if m.get("executable") and m["target"]["name"] == "peers"][-1])')
PYTHONDONTWRITEBYTECODE=1 exec "$OPTIGOV_PYTHON" -W ignore::DeprecationWarning "$here/peers.py" "$program" "$@"
