#!/usr/bin/env python3
"""Tries what packaging/build.sh built as an administrator would: the binary, the Debian package, the container's recipe, the password at a terminal, the simulator."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "crates/optigov-tool/dist"
TOOL = DIST / "optigov"
# Those of the demo town, which `optigov simulate` serves.
ACCOUNT, PASSWORD, MAILBOX = "STADT\\svc-optigov", "geheim", "anna@musterstadt.example"


def run(*words, expect=0, **options):
    """Runs a program and gives its output; the exit status is part of what is promised."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == expect, f"{words}: exit status {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_the_binary_is_static():
    linked = subprocess.run(["ldd", str(TOOL)], capture_output=True, text=True)
    assert "statically linked" in linked.stdout + linked.stderr or "not a dynamic" in linked.stderr, linked
    assert re.fullmatch(r"optigov \d+\.\d+\.\d+\n", run(TOOL, "--version"))


def test_help_and_errors_speak_both_languages():
    german, english = run(TOOL, "--help", "--lang", "de"), run(TOOL, "--help", "--lang", "en")
    assert "Aufruf:" in german and "Usage" not in german, german
    assert "Usage:" in english and "Aufruf" not in english, english
    for text in (german, english):
        assert max(map(len, text.splitlines())) <= 80, text
    assert run(TOOL, "chek", "--lang", "de", expect=2).startswith("Fehler: Den Befehl")
    assert run(TOOL, "chek", "--lang", "en", expect=2).startswith("error:")


def test_the_package_installs_binary_pages_and_completions():
    (package,) = DIST.glob("*.deb")
    about = run("dpkg-deb", "--info", package)
    assert "Package: optigov-tool" in about and "Depends: lib" not in about, about
    with tempfile.TemporaryDirectory() as root:
        run("dpkg-deb", "--extract", package, root)
        files = {str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file()}
        for name in [
            "usr/bin/optigov",
            "usr/share/man/man1/optigov.1.gz",
            "usr/share/man/man1/optigov-check.1.gz",
            "usr/share/man/de/man1/optigov.1.gz",
            "usr/share/bash-completion/completions/optigov",
            "usr/share/zsh/vendor-completions/_optigov",
            "usr/share/fish/vendor_completions.d/optigov.fish",
        ]:
            assert name in files, f"{name} is not in the package: {sorted(files)}"
        run(Path(root, "usr/bin/optigov"), "config", "check", ROOT / "docs/samples/rathaus.toml")
        completions = Path(root, "usr/share/bash-completion/completions/optigov")
        assert "optigov" in run("bash", "-c", f"source {completions} && complete -p optigov")
        if shutil.which("man"):
            page = run("man", "--local-file", Path(root, "usr/share/man/de/man1/optigov-check.1.gz"), env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
            assert "Kennwort" in page and "ÜBERSICHT" in page, page


def test_the_container_recipe_is_whole():
    recipe = (ROOT / "packaging/Containerfile").read_text()
    lines = [line for line in recipe.splitlines() if line.strip() and not line.startswith("#")]
    known = {"FROM", "COPY", "USER", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in lines} <= known, lines
    builder = next((name for name in ("podman", "buildah", "docker") if shutil.which(name) and subprocess.run([name, "info"], capture_output=True).returncode == 0), None)
    if builder:
        words = [builder, "bud" if builder == "buildah" else "build", "-f", str(ROOT / "packaging/Containerfile"), "-t", "optigov-test", str(DIST)]
        run(*words)
        print(f"    built by {builder}")
        return
    # Without a builder: the files are laid out as the recipe says, and its entry point is run there.
    with tempfile.TemporaryDirectory() as root:
        for line in lines:
            if line.startswith("COPY"):
                _, source, to = line.split()
                where = Path(root, to.lstrip("/"))
                where.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(DIST / source, where)
        (entry,) = [json.loads(line.split(None, 1)[1]) for line in lines if line.startswith("ENTRYPOINT")]
        (default,) = [json.loads(line.split(None, 1)[1]) for line in lines if line.startswith("CMD")]
        if os.geteuid() == 0 and shutil.which("chroot"):
            assert "optigov" in run("chroot", root, *entry, *default)
        else:
            assert "optigov" in run(Path(root, entry[0].lstrip("/")), *default)
        print("    no builder of images is here: laid out by hand, and the entry point was run")


class Simulator:
    """`optigov simulate`, as a program in another language uses it."""

    def __enter__(self):
        self.process = subprocess.Popen([str(TOOL), "simulate"], stdout=subprocess.PIPE, text=True)
        self.addresses = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(10) == 0

    def check(self, *more, **options):
        words = [TOOL, "check", "--url", self.addresses["ews"], "--ca-file", self.addresses["ca_file"], "--account", ACCOUNT]
        return run(*words, "--mailbox", MAILBOX, "--authentication", "ntlm", *more, **options)


def test_the_check_needs_no_configuration_and_states_its_exit_status():
    environment = {**os.environ, "OPTIGOV_TEST": PASSWORD}
    with Simulator() as simulator:
        german = simulator.check("--password-env", "OPTIGOV_TEST", "--lang", "de", env=environment)
        assert "1. Namensauflösung: in Ordnung" in german and "7. Kalender: in Ordnung" in german, german
        english = simulator.check("--password-env", "OPTIGOV_TEST", "--lang", "en", env=environment)
        assert "7. Calendar: passed" in english, english
        report = json.loads(simulator.check("--password-env", "OPTIGOV_TEST", "--format", "json", env=environment))
        assert report["good"] is True
        refused = simulator.check("--password-env", "OPTIGOV_TEST", "--lang", "de", expect=3, env={**environment, "OPTIGOV_TEST": "falsch"})
        assert "4. Anmeldung: fehlgeschlagen" in refused and "falsch" not in refused, refused
        assert "Die Prüfung endete bei Schritt 4" in refused, refused


def test_the_password_is_asked_for_and_not_shown():
    with Simulator() as simulator:
        words = [str(TOOL), "check", "--url", simulator.addresses["ews"], "--ca-file", simulator.addresses["ca_file"]]
        words += ["--account", ACCOUNT, "--authentication", "ntlm", "--mailbox", MAILBOX, "--lang", "de"]
        child, terminal = pty.fork()
        if child == 0:
            os.execv(words[0], words)
        shown, typed, end = b"", False, time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                try:
                    shown += os.read(terminal, 4096)
                except OSError:
                    break
            if not typed and "nicht angezeigt".encode() in shown:
                time.sleep(0.3)
                os.write(terminal, PASSWORD.encode() + b"\n")
                typed = True
        _, status = os.waitpid(child, 0)
        text = shown.decode()
        assert os.waitstatus_to_exitcode(status) == 0, text
        assert PASSWORD not in text and "7. Kalender: in Ordnung" in text, text
        assert max(map(len, text.replace("\r", "").splitlines())) <= 112, text


def test_the_simulator_ends_with_the_program_that_started_it():
    script = f"import json, subprocess; p = subprocess.Popen([{str(TOOL)!r}, 'simulate'], stdout=subprocess.PIPE, text=True); print(json.loads(p.stdout.readline())['process'])"
    process = int(run(sys.executable, "-c", script))
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    os.kill(process, 15)
    raise AssertionError("the simulator goes on without its parent")


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name[5:].replace('_', ' ')}: as promised")
