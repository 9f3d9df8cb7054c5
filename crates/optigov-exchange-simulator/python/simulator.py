"""Runs the simulator's binary for a test, and keeps every answer that the clients got."""

import contextlib
import itertools
import os
import pathlib
import subprocess
import tempfile

import requests

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "scenarios"
ANSWERS = os.environ.get("OPTIGOV_ANSWERS")
_numbers = itertools.count(1)


class Simulator:
    """A running simulator: `url`, the path of its authority's certificate as `ca`, and `change` to swap its scenario."""

    def __init__(self, scenario):
        self._folder = tempfile.TemporaryDirectory()
        self._file = pathlib.Path(self._folder.name, "scenario.toml")
        self._file.write_text(scenario)
        self._process = subprocess.Popen(
            [os.environ["OPTIGOV_SIMULATOR"], str(self._file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the simulator did not start")
        pem = "".join(iter(self._process.stdout.readline, "\n"))
        self.ca = str(pathlib.Path(self._folder.name, "ca.pem"))
        pathlib.Path(self.ca).write_text(pem)

    def change(self, scenario):
        self._file.write_text(scenario)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        if said != "reloaded":
            raise RuntimeError(said)

    def stop(self):
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()


@contextlib.contextmanager
def simulator(scenario):
    running = Simulator(scenario)
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = running.ca
    try:
        yield running
    finally:
        running.stop()
        if before is None:
            del os.environ["REQUESTS_CA_BUNDLE"]
        else:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def scenario(name):
    return (SCENARIOS / f"{name}.toml").read_text()


def keep(content):
    """Keeps an answer for the schema check."""
    if ANSWERS and content:
        pathlib.Path(ANSWERS, f"{next(_numbers):05}.xml").write_bytes(content)


_send = requests.Session.send


def _send_and_keep(session, request, **arguments):
    response = _send(session, request, **arguments)
    if not arguments.get("stream") and "xml" in response.headers.get("Content-Type", ""):
        keep(response.content)
    return response


requests.Session.send = _send_and_keep
