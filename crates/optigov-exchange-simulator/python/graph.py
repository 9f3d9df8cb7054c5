"""What the tests of Microsoft Graph share: the scenario with a certificate, and a record of every exchange for the judge."""

import contextlib
import datetime
import itertools
import json
import os
import pathlib
import time
import urllib.parse

import httpx
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator import scenario, simulator

TENANT = "musterstadt.example"
SECRET_APP = "5d2f0b1c-7a34-4e8e-9b61-2f4c6a8e0d11"
CERTIFICATE_APP = "8b1e6c52-90ad-4f0b-8a77-3d5e7f901c22"
CLARA = "clara@musterstadt.example"
SCOPE = "https://graph.microsoft.com/.default"
SELECT = ["start", "end", "isAllDay", "isCancelled", "showAs", "type", "originalStartTimeZone"]
WEEK = ("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")

EXCHANGES = os.environ.get("OPTIGOV_EXCHANGES")
_numbers = itertools.count(1)
_file = None


def day(number, hour=0, minute=0):
    return datetime.datetime(2026, 11, number, hour, minute)


# What the scenario holds in that week, in UTC; all-day entries by their dates.
EVENTS = [
    (day(23, 13), day(23, 14), "busy", "occurrence", False, False),
    (day(24, 8), day(24, 9), "busy", "singleInstance", False, False),
    (day(25), day(28), "oof", "singleInstance", True, False),
    (day(25, 15), day(25, 16, 30), "busy", "exception", False, False),
    (day(26, 8), day(26, 9), "tentative", "singleInstance", False, False),
    (day(26, 10), day(26, 11), "free", "singleInstance", False, True),
    (day(26, 13), day(26, 14), "busy", "occurrence", False, False),
    (day(27, 13), day(27, 14), "busy", "occurrence", False, False),
]
SUBJECTS = ["Runde", "Gespräch mit Frau Öztürk & Söhnen", "Urlaub", "Runde", "Anruf aus London", "Abgesagtes Treffen", "Runde", "Runde"]


def _make_certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "optigov")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    certificate = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex()
    return key_pem.decode(), certificate.public_bytes(pem).decode(), thumbprint


KEY, CERTIFICATE, THUMBPRINT = _make_certificate()
OTHER_KEY, OTHER_CERTIFICATE, _ = _make_certificate()


@contextlib.contextmanager
def town(extra=""):
    """The scenario with a second application that has a certificate. Exchanges within it make one record."""
    global _file
    application = f"""
[[application]]
client_id = "{CERTIFICATE_APP}"
certificates = ['''{CERTIFICATE}''']
reads = "all"
"""
    with simulator(scenario("hybrid") + application + extra) as running:
        running.base = running.url.removesuffix("/EWS/Exchange.asmx")
        before, _file = _file, EXCHANGES and pathlib.Path(EXCHANGES, f"{next(_numbers):03}.jsonl")
        try:
            yield running
        finally:
            _file = before


@contextlib.contextmanager
def unrecorded():
    """Exchanges that ask for titles are not for the judge."""
    global _file
    before, _file = _file, None
    try:
        yield
    finally:
        _file = before


def certificate_client(running, credential=None, **arguments):
    """msal's application with the certificate."""
    return msal.ConfidentialClientApplication(
        CERTIFICATE_APP,
        authority=f"{running.base}/{TENANT}",
        client_credential=credential or {"private_key": KEY, "public_certificate": CERTIFICATE},
        instance_discovery=False,
        verify=running.ca,
        **arguments,
    )


def _parsed(body):
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _blanked(body):
    """A form without its secrets."""
    if not isinstance(body, str):
        return body
    pairs = urllib.parse.parse_qsl(body, True)
    return urllib.parse.urlencode([(k, "***" if k == "client_secret" else v) for k, v in pairs])


def _keep(method, url, request_headers, request_body, status, headers, body, start):
    if not _file:
        return
    request_headers = dict(request_headers)
    for name in request_headers:
        if name.lower() == "authorization":
            request_headers[name] = "Bearer ***"
    body = _parsed(body)
    if isinstance(body, dict) and "access_token" in body:
        body["access_token"] = "***"
    exchange = {
        "method": method, "url": url, "request_headers": request_headers, "request_body": _blanked(_parsed(request_body)),
        "status": status, "response_headers": dict(headers), "response_body": body, "start": start, "end": time.time(),
    }
    with _file.open("a") as out:
        out.write(json.dumps(exchange) + "\n")


_send = requests.Session.send


def _send_and_keep(session, request, **arguments):
    start = time.time()
    response = _send(session, request, **arguments)
    if "/EWS/" in request.url:
        return response
    _keep(request.method, request.url, request.headers, request.body, response.status_code, response.headers, response.content, start)
    return response


requests.Session.send = _send_and_keep


class KeepingClient(httpx.AsyncClient):
    """httpx's client, as msgraph-sdk uses it."""

    async def send(self, request, **arguments):
        start = time.time()
        response = await super().send(request, **arguments)
        await response.aread()
        _keep(request.method, str(request.url), request.headers, request.content, response.status_code, response.headers, response.content, start)
        return response
