#!/bin/sh
# Strangers' clients against the simulator.
#
#   OPTIGOV_PYTHON     a Python interpreter that has requirements.txt
#   OPTIGOV_SHARED     the folder with schema/ and tools/validate_ews.py and validate_graph.py; without it, the schema part is left out
#   OPTIGOV_SIMULATOR  the binary; without it, it is built
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${OPTIGOV_PYTHON:?set OPTIGOV_PYTHON to a Python interpreter that has $here/requirements.txt}"

if [ -z "${OPTIGOV_SIMULATOR:-}" ]; then
    manifest="$here/../Cargo.toml"
    OPTIGOV_SIMULATOR=$(cargo build --quiet --manifest-path "$manifest" --bin optigov-exchange-simulator --message-format=json |
        "$OPTIGOV_PYTHON" -c '
import json, sys
lines = (json.loads(line) for line in sys.stdin)
found = [m["executable"] for m in lines if m.get("executable") and m["target"]["name"] == "optigov-exchange-simulator"]
print(found[-1])')
fi
answers=$(mktemp -d)
exchanges=$(mktemp -d)
trap 'rm -rf "$answers" "$exchanges"' EXIT
export OPTIGOV_SIMULATOR OPTIGOV_ANSWERS="$answers" OPTIGOV_EXCHANGES="$exchanges" PYTHONDONTWRITEBYTECODE=1

cd "$here"
"$OPTIGOV_PYTHON" -W error::ResourceWarning -m unittest discover --start-directory . --pattern 'test_*.py'

count=$(find "$answers" -name '*.xml' | wc -l)
echo "answers collected: $count"
test "$count" -gt 500 || { echo "too few answers were collected" >&2; exit 1; }
count=$(cat "$exchanges"/*.jsonl | wc -l)
echo "exchanges with Microsoft Graph recorded: $count"
test "$count" -gt 100 || { echo "too few exchanges were recorded" >&2; exit 1; }
if [ -z "${OPTIGOV_SHARED:-}" ]; then
    echo "OPTIGOV_SHARED is not set: the answers were NOT held against the schema"
    exit 0
fi
if ! report=$(find "$answers" -name '*.xml' -print0 | xargs -0 "$OPTIGOV_PYTHON" "$OPTIGOV_SHARED/tools/validate_ews.py"); then
    echo "$report" | grep -A6 INVALID | head -60
    exit 1
fi
faults=$(echo "$report" | grep -c 'a SOAP fault, passed over$' || true)
valid=$(echo "$report" | grep -c ': valid$')
echo "valid against the schema: $((valid - faults)), and $faults SOAP faults, for which it has none"
if ! report=$("$OPTIGOV_PYTHON" "$OPTIGOV_SHARED/tools/validate_graph.py" --side server "$exchanges"/*.jsonl); then
    echo "$report" | grep -v ': valid' | head -60
    exit 1
fi
echo "valid by Microsoft's metadata: $count exchanges in $(echo "$report" | grep -c ': valid') records"
