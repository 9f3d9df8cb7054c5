#!/bin/sh
# Builds every fuzz target and runs each for SECONDS (20 unless told). Fails if one of them crashes. Stable Rust is enough.
set -eu
cd "$(dirname "$0")"
seconds=${1:-20}
host=$(rustc -vV | sed -n 's/^host: //p')

# The coverage that libFuzzer steers by. With an explicit target, build scripts and macros are not instrumented.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
export RUSTFLAGS="--cfg fuzzing $coverage -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
export CARGO_TARGET_DIR="${FUZZ_TARGET_DIR:-target}"
cargo build --quiet --release --locked --target "$host"

for source in fuzz_targets/*.rs; do
    name=$(basename "$source" .rs)
    mkdir -p "corpus/$name" "artifacts/$name"
    # What a target starts from, beside what earlier runs found.
    case $name in
    configuration) seeds="../docs/samples ../examples/goldens" ;;
    graph) seeds=../crates/optigov-graph/tests/answers ;;
    response | stream) seeds=../crates/optigov-ews/tests/goldens ;;
    *) seeds= ;;
    esac
    echo "fuzz: $name, ${seconds} s"
    "$CARGO_TARGET_DIR/$host/release/$name" "corpus/$name" $seeds \
        -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -max_len=16384 \
        -artifact_prefix="artifacts/$name/" -print_final_stats=1 2>"artifacts/$name.log" || {
        tail -n 40 "artifacts/$name.log"
        echo "fuzz: $name failed; the input is in fuzz/artifacts/$name"
        exit 1
    }
    grep -E "stat::number_of_executed_units|stat::peak_rss_mb" "artifacts/$name.log"
done
