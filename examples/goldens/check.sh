#!/usr/bin/env bash
# Runs the examples with a fixed now and holds their output against the files beside this script. With --bless, writes the files anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
goldens=examples/goldens
got=$(mktemp -d)
trap 'rm -rf "$got"' EXIT
# What the configuration of an Exchange that does not answer refers to; it is never sent.
export OPTIGOV_EXCHANGE_SECRET=unused
at=(--now 2026-11-23T08:00:00+01:00 --from 2026-11-23)
failed=0

# golden NAME EXIT-STATUS EXAMPLE [ARGUMENT ...]: standard output is held against NAME, the exit status against EXIT-STATUS.
golden() {
    local name=$1 want=$2 example=$3 status=0
    shift 3
    cargo run --quiet --example "$example" -- "$@" >"$got/$name" || status=$?
    # Each request has an id of its own.
    sed -i -E 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/<request id>/g' "$got/$name"
    if [ "$status" -ne "$want" ]; then
        echo "$example $*: exit status $status, expected $want"
        failed=1
    fi
    if [ "${bless:-}" ]; then
        cp "$got/$name" "$goldens/$name"
    elif ! diff -u "$goldens/$name" "$got/$name"; then
        echo "$example $*: differs from $goldens/$name"
        failed=1
    else
        echo "$name: as expected"
    fi
}

[ "${1:-}" = --bless ] && bless=1

golden free_slots.de.txt 0 free_slots "${at[@]}"
golden free_slots.en.txt 0 free_slots "${at[@]}" --days 5 --lang en
# Two mailboxes lie in Exchange Online: a counter does not care, so the list is the same to the byte.
golden free_slots.en.txt 0 free_slots "${at[@]}" --days 5 --lang en --hybrid
golden free_slots.json 0 free_slots "${at[@]}" --days 3 --format json --lang en
golden free_slots.ics.json 0 free_slots "${at[@]}" --days 7 --format json --lang en --counter buergerbuero-1 \
    --ics schalter1@musterstadt.example=$goldens/outlook.ics
golden free_slots.unknown.json 3 free_slots --config $goldens/unreachable.toml "${at[@]}" --days 2 --format json --lang en
golden slot_engine.txt 0 slot_engine
golden slot_engine.why.txt 0 slot_engine --why 2027-03-23T09:40
golden counter_config.windows.txt 0 counter_config windows docs/samples/rathaus.toml --from 2026-12-21 --lang de
golden counter_config.hybrid.json 0 counter_config convert docs/samples/hybrid.toml
golden counter_config.json 0 counter_config convert docs/samples/rathaus.toml
golden counter_config.refused.txt 2 counter_config check $goldens/refused.toml --lang de
if command -v redis-server >/dev/null || command -v valkey-server >/dev/null; then
    golden cluster.txt 0 cluster
else
    echo "cluster: NOT RUN, there is no redis-server on this machine (Debian: apt-get install redis-server)"
fi
# The report names the addresses that this machine has for localhost, so it is held by what matters.
cargo run --quiet --example connection_check >"$got/check" || { echo "connection_check: exit status $?, expected 0"; failed=1; }
grep -q '^7\. Kalender: in Ordnung' "$got/check" || { echo "connection_check: the calendar is not read"; failed=1; }
cargo run --quiet --example connection_check -- --hybrid >"$got/hybrid" || { echo "connection_check --hybrid: exit status $?, expected 0"; failed=1; }
for place in 'Eigener Server' 'Exchange Online'; do
    grep -q "^Ort des Postfachs: $place" "$got/hybrid" || { echo "connection_check --hybrid: nothing of $place"; failed=1; }
done
status=0
cargo run --quiet --example connection_check -- --wrong-password >"$got/refused" || status=$?
if [ $status -ne 3 ] || ! grep -q '^4\. Anmeldung: fehlgeschlagen' "$got/refused" || ! grep -q '^7\. Kalender: nicht erreicht' "$got/refused"; then
    echo "connection_check --wrong-password: exit status $status; expected 3, and a refusal at authentication"
    failed=1
fi

# The calendars have titles; nothing that was printed may hold one.
if grep -l -e Vertraulich -e Telefondienst -e Betriebsausflug -e Urlaub -e Dienstbesprechung -e Arzt "$got"/*; then
    echo "a title was printed"
    failed=1
fi
exit $failed
