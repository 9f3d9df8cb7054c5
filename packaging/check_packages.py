#!/usr/bin/env python3
"""Looks at the packages that `cargo package` has made: each has what a registry and its readers ask for, and none names a place outside itself."""

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Included by documentation tests only, which run in the workspace.
DOCUMENTATION_TEST = re.compile(r"^\s*(///|//!)|#\[doc = include_str!")
INCLUDE = re.compile(r'include_(?:str|bytes)!\("([^"]+)"\)')


def faults(package, archive):
    """What is wrong with one package, in words."""
    prefix = f"{package['name']}-{package['version']}/"
    with tarfile.open(archive) as files:
        text = {name.removeprefix(prefix): files.extractfile(name).read() for name in files.getnames()}
    for wanted in ("README.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.toml"):
        if not text.get(wanted):
            yield f"{wanted} is missing or empty"
    manifest = tomllib.loads(text["Cargo.toml"].decode())
    for key in ("description", "license", "rust-version", "readme", "keywords", "categories"):
        if not manifest["package"].get(key):
            yield f"no {key}"
    if len(manifest["package"].get("keywords", [])) > 5 or len(manifest["package"].get("categories", [])) > 5:
        yield "more than five keywords or categories, which crates.io refuses"
    if any(not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,19}", word) for word in manifest["package"].get("keywords", [])):
        yield "a keyword that crates.io refuses"
    if not manifest["package"].get("metadata", {}).get("docs", {}).get("rs", {}).get("all-features"):
        yield "docs.rs is not told to build all features"
    for name, dependency in manifest.get("dependencies", {}).items():
        if not dependency.get("version"):
            yield f"the dependency {name} has no version"
    for name, content in text.items():
        if not name.startswith("src/") or not name.endswith(".rs"):
            continue
        for line in content.decode().splitlines():
            for included in INCLUDE.findall(line):
                there = os.path.normpath(os.path.join(os.path.dirname(name), included))
                if there not in text and not DOCUMENTATION_TEST.search(line):
                    yield f"{name} includes {included}, which is not in the package"


def main():
    metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"], cwd=ROOT))
    published = [package for package in metadata["packages"] if package["publish"] != []]
    wrong = 0
    for package in published:
        archive = Path(metadata["target_directory"], "package", f"{package['name']}-{package['version']}.crate")
        for fault in faults(package, archive):
            print(f"{package['name']}: {fault}")
            wrong += 1
    print(f"{len(published)} packages, {wrong} faults")
    sys.exit(1 if wrong or not published else 0)


main()
