"""Every kind of answer of Microsoft Graph and of the token endpoint, for the judge of recorded exchanges."""

import unittest

import requests

import graph
from graph import CLARA, EVENTS, SCOPE, SECRET_APP, SELECT, TENANT, WEEK

FAULTS = """
[[fault]]
effect = {{ throttled = {{ shape = "{shape}", back_off = 1500 }} }}
operation = "calendarView"
mailbox = "fremd@musterstadt.example"
"""
ZONES = ("UTC", "W. Europe Standard Time", "Europe/Berlin", "Tokyo Standard Time")


class Answers(unittest.TestCase):
    def setUp(self):
        self.session = self.enterContext(requests.Session())

    def connect(self, running, tenant=TENANT, **changed):
        form = {"client_id": SECRET_APP, "scope": SCOPE, "grant_type": "client_credentials", "client_secret": "geheim", **changed}
        form = {name: value for name, value in form.items() if value is not None}
        response = self.session.post(f"{running.base}/{tenant}/oauth2/v2.0/token", data=form)
        if response.ok:
            self.session.headers["Authorization"] = "Bearer " + response.json()["access_token"]
        return response

    def view(self, running, mailbox=CLARA, zone="UTC", **changed):
        query = {"startDateTime": WEEK[0], "endDateTime": WEEK[1], "$select": ",".join(SELECT), "$top": "50", **changed}
        headers = {"Prefer": f'outlook.timezone="{zone}", IdType="ImmutableId"'}
        return self.session.get(f"{running.base}/v1.0/users/{mailbox}/calendar/calendarView", params=query, headers=headers)

    def schedule(self, *names):
        def time(text):
            return {"dateTime": text, "timeZone": "UTC"}

        return {
            "schedules": names, "startTime": time("2026-11-23T00:00:00"), "endTime": time("2026-11-28T00:00:00"),
            "availabilityViewInterval": 45,
        }

    def test_views_in_every_zone_and_page_size(self):
        with graph.town() as running:
            self.connect(running)
            for zone in ZONES:
                for top in ("1", "3", "1000"):
                    page = self.view(running, zone=zone, **{"$top": top}).json()
                    found = page["value"]
                    while "@odata.nextLink" in page:
                        prefer = {"Prefer": f'outlook.timezone="{zone}", IdType="ImmutableId"'}
                        page = self.session.get(page["@odata.nextLink"], headers=prefer).json()
                        found += page["value"]
                    self.assertEqual(len(found), len(EVENTS))
            every = "originalStart,seriesMasterId,sensitivity,importance,categories,responseStatus,originalEndTimeZone,iCalUId,webLink"
            self.assertTrue(self.view(running, **{"$select": every}).ok)
            for path in (f"/users/{CLARA}/calendar", f"/users/{CLARA}/calendars", f"/users/{CLARA}/calendar?$select=id,owner"):
                self.assertTrue(self.session.get(f"{running.base}/v1.0{path}").ok)

    def test_the_clocks_change_within_a_series(self):
        with graph.town() as running:
            self.connect(running)
            window = {"startDateTime": "2026-10-18T00:00:00Z", "endDateTime": "2026-10-31T00:00:00Z"}
            for zone, hours in (("UTC", ("07", "08")), ("W. Europe Standard Time", ("09", "09"))):
                found = self.view(running, zone=zone, **window).json()["value"]
                self.assertEqual(tuple(event["start"]["dateTime"][11:13] for event in found), hours)

    def test_refusals(self):
        with graph.town() as running:
            self.assertEqual(self.view(running).status_code, 401)
            self.connect(running)
            for mailbox, status, code in (
                ("niemand@musterstadt.example", 404, "ErrorInvalidUser"),
                ("anna@musterstadt.example", 404, "MailboxNotEnabledForRESTAPI"),
                ("fremd@musterstadt.example", 403, "ErrorAccessDenied"),
                ("umzug@musterstadt.example", 503, "ErrorMailboxMoveInProgress"),
            ):
                response = self.view(running, mailbox)
                self.assertEqual((response.status_code, response.json()["error"]["code"]), (status, code))
            self.assertEqual(self.view(running, zone="Mars").status_code, 400)
            self.assertEqual(self.session.get(f"{running.base}/v1.0/users/{CLARA}").status_code, 403)
            other = self.session.get(f"{running.base}/v1.0/users/{CLARA}/calendars/other")
            self.assertEqual(other.json()["error"]["code"], "ErrorItemNotFound")

    def test_tokens(self):
        with graph.town() as running:
            for changed, number in (
                ({"client_secret": "falsch"}, 7000215),
                ({"client_secret": "von gestern"}, 7000222),
                ({"client_secret": None}, 7000218),
                ({"client_id": "00000000-90ad-4f0b-8a77-3d5e7f901c22"}, 700016),
                ({"scope": "https://graph.microsoft.us/.default"}, 500011),
                ({"scope": "Calendars.Read"}, 1002012),
                ({"tenant": "anderswo.example"}, 90002),
            ):
                self.assertEqual(self.connect(running, **changed).json()["error_codes"], [number])
            self.assertTrue(self.connect(running).ok)

    def test_throttling(self):
        for shape, status in (("fault", 429), ("too_many_requests", 429), ("status", 503)):
            with graph.town(FAULTS.format(shape=shape)) as running:
                self.connect(running)
                response = self.view(running, "fremd@musterstadt.example")
                self.assertEqual((response.status_code, response.headers["Retry-After"]), (status, "2"))

    def test_batches_and_schedules(self):
        with graph.town(FAULTS.format(shape="application_throttled")) as running:
            self.connect(running)
            query = f"startDateTime={WEEK[0]}&endDateTime={WEEK[1]}&$select={','.join(SELECT)}&$top=50"

            def part(id, mailbox, **further):
                url = f"/users/{mailbox}/calendar/calendarView?{query}"
                return {"id": id, "method": "GET", "url": url, "headers": {"Prefer": 'outlook.timezone="UTC"'}, **further}

            json_type = {"Content-Type": "application/json"}
            schedule = {
                "id": "5", "method": "POST", "url": f"/users/{CLARA}/calendar/getSchedule", "headers": json_type,
                "body": self.schedule(CLARA, "fremd@musterstadt.example", "anna@musterstadt.example", "niemand@musterstadt.example"),
            }
            parts = [
                part("1", CLARA), part("2", "anna@musterstadt.example"), part("3", "fremd@musterstadt.example"),
                part("4", CLARA, dependsOn=["3"]), schedule, part("6", CLARA, dependsOn=["1"]),
            ]
            response = self.session.post(f"{running.base}/v1.0/$batch", json={"requests": parts})
            states = {part["id"]: part["status"] for part in response.json()["responses"]}
            self.assertEqual(states, {"1": 200, "2": 404, "3": 429, "4": 424, "5": 200, "6": 200})
            many = {"requests": [part(str(number), CLARA) for number in range(20)]}
            response = self.session.post(f"{running.base}/v1.0/$batch", json=many)
            self.assertEqual({part["status"] for part in response.json()["responses"]}, {200})
            self.assertTrue(self.session.post(f"{running.base}/v1.0/users/{CLARA}/calendar/getSchedule", json=schedule["body"]).ok)


if __name__ == "__main__":
    unittest.main()
