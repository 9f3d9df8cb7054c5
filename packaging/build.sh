#!/usr/bin/env bash
# Builds what administrators get without a toolchain, into crates/optigov-tool/dist: a static binary, manual pages, shell completions, a Debian package, and what the
# Containerfile needs. Needs rustup, musl-tools and cargo-deb, and says so where one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(uname -m)-unknown-linux-musl
dist=crates/optigov-tool/dist
missing() { echo "build.sh: $1 is missing; install it with: $2" >&2; exit 1; }

command -v musl-gcc >/dev/null || missing "a C compiler for musl" "apt-get install musl-tools"
cargo deb --version >/dev/null 2>&1 || missing "cargo-deb" "cargo install cargo-deb --locked"
rustup target list --installed 2>/dev/null | grep -qx "$target" || rustup target add "$target"

# ring has parts in C and assembly.
export "CC_${target//-/_}=musl-gcc"
cargo build --locked --profile tool --target "$target" -p optigov-tool
built=${CARGO_TARGET_DIR:-target}/$target/tool/optigov

rm -rf "$dist"
mkdir -p "$dist"
cp "$built" "$dist/optigov"
"$dist/optigov" generate "$dist"
cp /etc/ssl/certs/ca-certificates.crt "$dist/"
cargo deb --locked -p optigov-tool --no-build --no-strip --target "$target" --profile tool --output "$dist/"
ls -l "$dist"
