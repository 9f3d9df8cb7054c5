"""NTLM and Negotiate, with clients that are not ours: requests_ntlm, pyspnego and curl."""

import base64
import os
import shutil
import subprocess
import unittest

import requests
import spnego
from requests_ntlm import HttpNtlmAuth

import messages
from simulator import scenario, simulator

USER = "STADT\\svc-optigov"
BODY = messages.envelope(messages.get_folder(), "anna@musterstadt.example")
HEADERS = {"Content-Type": "text/xml; charset=utf-8"}


def bound(channel_binding):
    text = scenario("musterstadt")
    assert 'channel_binding = "allow"' in text
    text = text.replace('channel_binding = "allow"', f'channel_binding = "{channel_binding}"')
    return text.replace("locked_after = 5\n", "")


def switched_on(key, text):
    assert f"{key} = false" in text
    return text.replace(f"{key} = false", f"{key} = true")


class Login(unittest.TestCase):
    def ntlm(self, running, password, binding):
        with requests.Session() as session:
            session.auth = HttpNtlmAuth(USER, password, send_cbt=binding)
            first = session.post(running.url, data=BODY, headers=HEADERS)
            second = session.post(running.url, data=BODY, headers=HEADERS)
            if first.status_code == 200:
                self.assertNotIn("Authorization", second.request.headers, "the connection is logged in")
            return first.status_code, second.status_code

    def test_channel_bindings(self):
        for channel_binding, with_it, without in (("none", 200, 200), ("allow", 200, 200), ("require", 200, 401)):
            with self.subTest(channel_binding), simulator(bound(channel_binding)) as running:
                self.assertEqual(self.ntlm(running, "geheim", True), (with_it, with_it))
                self.assertEqual(self.ntlm(running, "geheim", False), (without, without))
                self.assertEqual(self.ntlm(running, "falsch", True), (401, 401))

    def test_the_binding_follows_the_hash_of_the_signature(self):
        text = bound("require").replace('certificate = "valid"', 'certificate = "sha384"')
        with simulator(text) as running:
            self.assertEqual(self.ntlm(running, "geheim", True), (200, 200))

    def test_a_challenge_without_target_information_can_be_answered(self):
        with simulator(switched_on("ntlm_without_target_info", bound("none"))) as running:
            self.assertEqual(self.ntlm(running, "geheim", False), (200, 200))
            self.assertEqual(self.ntlm(running, "falsch", False), (401, 401))

    def test_challenges_in_one_line_are_found(self):
        with simulator(switched_on("challenges_in_one_line", bound("allow"))) as running:
            offered = requests.post(running.url, data=BODY, headers=HEADERS).headers["WWW-Authenticate"]
            self.assertEqual(offered, 'Negotiate,NTLM,Basic realm="localhost",Bearer')
            self.assertEqual(self.ntlm(running, "geheim", True), (200, 200))

    def negotiate(self, running, password, options):
        client = spnego.client(USER, password, protocol="negotiate", hostname="localhost", service="http", options=options)
        with requests.Session() as session:
            answer, statuses = None, []
            while not client.complete:
                token = client.step(answer)
                if token is None:
                    break
                header = {"Authorization": "Negotiate " + base64.b64encode(token).decode()}
                response = session.post(running.url, data=BODY, headers={**HEADERS, **header})
                statuses.append(response.status_code)
                offered = response.headers.get("WWW-Authenticate", "")
                if not offered.startswith("Negotiate ") or "," in offered:
                    break
                answer = base64.b64decode(offered.split(" ", 1)[1])
                if response.status_code == 200:
                    client.step(answer)
                    break
            return statuses[-1], client.complete

    def test_negotiate(self):
        with simulator(bound("allow")) as running:
            for options in (spnego.NegotiateOptions.use_negotiate, spnego.NegotiateOptions.use_ntlm):
                self.assertEqual(self.negotiate(running, "geheim", options), (200, True))
                self.assertEqual(self.negotiate(running, "falsch", options)[0], 401)

    @unittest.skipUnless(shutil.which("curl"), "there is no curl")
    def test_curl(self):
        with simulator(bound("allow")) as running:
            for password, status in (("geheim", "200"), ("falsch", "401")):
                command = ["curl", "--silent", "--output", os.devnull, "--write-out", "%{http_code}", "--cacert", running.ca]
                command += ["--noproxy", "*", "--ntlm", "--user", f"{USER}:{password}", "--data-binary", "@-"]
                command += ["--header", "Content-Type: text/xml", running.url]
                done = subprocess.run(command, input=BODY, capture_output=True, timeout=30)
                self.assertEqual(done.stdout.decode(), status)

    def test_lockout(self):
        with simulator(scenario("musterstadt")) as running:
            statuses = [self.ntlm(running, "falsch", True)[0] for _ in range(3)]
            self.assertEqual(statuses, [401, 401, 401])
            self.assertEqual(self.ntlm(running, "geheim", True), (401, 401), "locked")

    def test_basic_and_bearer(self):
        def post(running, **arguments):
            with requests.Session() as session:
                session.trust_env = False
                return session.post(running.url, data=BODY, verify=running.ca, **arguments).status_code

        with simulator(bound("allow")) as running:
            self.assertEqual(post(running, headers=HEADERS, auth=("svc-optigov@stadt.example", "geheim")), 200)
            self.assertEqual(post(running, headers=HEADERS, auth=("ANDERE\\svc-optigov", "geheim")), 401)
            for token, status in (("token-of-the-service", 200), ("other", 401)):
                self.assertEqual(post(running, headers={**HEADERS, "Authorization": f"Bearer {token}"}), status)


if __name__ == "__main__":
    unittest.main()
