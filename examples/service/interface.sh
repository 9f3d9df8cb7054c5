#!/usr/bin/env bash
# Holds the running service to the description that it serves at /openapi.json: schemathesis makes requests from it, good ones and bad ones.
#
#   OPTIGOV_SCHEMATHESIS  the program, of the version in requirements.txt
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${OPTIGOV_SCHEMATHESIS:?set OPTIGOV_SCHEMATHESIS to schemathesis of the version in examples/service/requirements.txt}"

cargo build --locked --quiet --example service
coproc SERVICE { exec cargo run --locked --quiet --example service; }
service=$SERVICE_PID
work=$(mktemp -d)
trap 'kill "$service" 2>/dev/null; rm -rf "$work"' EXIT
read -r address <&"${SERVICE[0]}"

check() {
    (cd "$work" && "$OPTIGOV_SCHEMATHESIS" --config-file "$OLDPWD/examples/service/schemathesis.toml" \
        run "${address}openapi.json" --seed 20261123 --max-examples 40 --no-color "$@")
}
# First what reads and books, then what overwrites counters.
check --exclude-operation-id put_counter
check --include-operation-id put_counter
