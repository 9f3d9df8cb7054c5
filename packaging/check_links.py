#!/usr/bin/env python3
"""Follows every relative link of the repository's Markdown files: the file must be there, and the heading, too. Links to the outside are not followed."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def plain(text):
    """The text without code, in which brackets mean nothing."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "`", text)


def anchors(file):
    """The names that headings get, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+\s+(.+?)\s*#*$", re.sub(r"^```.*?^```", "", file.read_text(), flags=re.S | re.M), flags=re.M):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        twice, number = name, 1
        while twice in found:
            twice, number = f"{name}-{number}", number + 1
        found.add(twice)
    return found


names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
broken, followed = [], 0
for name in filter(None, names.stdout.split("\0")):
    file = ROOT / name
    if not file.exists():
        continue
    for target in LINK.findall(plain(file.read_text())):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        followed += 1
        path, _, anchor = target.partition("#")
        to = (file.parent / path).resolve() if path else file
        if not to.exists():
            broken.append(f"{name}: {target} leads to nothing")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            broken.append(f"{name}: {target} names a heading that is not there")
print("\n".join(broken) or f"{followed} links within the repository lead somewhere")
sys.exit(bool(broken))
