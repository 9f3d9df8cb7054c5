"""Expansion agrees with dateutil on 500 generated rules, read as a client reads them."""

import datetime
import random
import unittest
import zoneinfo

import requests
from dateutil.rrule import rrulestr
from lxml import etree

import messages
from simulator import simulator

RULES = 500
ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Australia/Sydney", "UTC")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Wider than a year, over four clock changes.
START, END = datetime.datetime(2026, 3, 1), datetime.datetime(2028, 2, 1)


def generated(dice):
    """A rule as a calendar would make it, the civil time of its first occurrence, its length, and its zone."""
    first = datetime.datetime(2026, 1, 1) + datetime.timedelta(days=dice.randrange(500), minutes=15 * dice.randrange(96))
    parts = [f"FREQ={dice.choice(('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'))}"]
    if dice.random() < 0.5:
        parts.append(f"INTERVAL={dice.randrange(1, 5)}")
    nth = dice.choice((1, 2, 3, 4, -1))
    match parts[0].split("=")[1]:
        case "DAILY" if dice.random() < 0.3:
            parts.append("BYDAY=MO,TU,WE,TH,FR")
        case "WEEKLY" if dice.random() < 0.7:
            parts.append("BYDAY=" + ",".join(dice.sample(DAYS, dice.randrange(1, 5))))
            parts.append(f"WKST={dice.choice(('MO', 'SU'))}")
        case "MONTHLY":
            parts.append(
                dice.choice(
                    (
                        f"BYDAY={nth}{dice.choice(DAYS)}",
                        f"BYMONTHDAY={dice.choice((1, 15, 28, 29, 30, 31, -1, -2))}",
                        f"BYDAY=MO,TU,WE,TH,FR;BYSETPOS={nth}",
                        f"BYMONTHDAY={first.day}",
                    )
                )
            )
        case "YEARLY" if dice.random() < 0.5:
            parts.append(f"BYMONTH={dice.randrange(1, 13)}")
            parts.append(dice.choice((f"BYDAY={nth}{dice.choice(DAYS)}", f"BYMONTHDAY={dice.randrange(1, 29)}")))
    match dice.randrange(3):
        case 0:
            parts.append(f"COUNT={dice.randrange(1, 60)}")
        case 1:
            until = first + datetime.timedelta(days=dice.randrange(1, 700), minutes=15 * dice.randrange(96))
            parts.append(f"UNTIL={until:%Y%m%dT%H%M%S}")
    return ";".join(parts), first, dice.randrange(15, 300, 15), dice.choice(ZONES)


class Expansion(unittest.TestCase):
    def test_500_rules(self):
        dice = random.Random(2026)
        rules = [generated(dice) for _ in range(RULES)]
        text = '[[account]]\nname = "svc-optigov"\npassword = "geheim"\nimpersonates = "all"\n'
        for number, (rule, first, minutes, zone) in enumerate(rules):
            end = first + datetime.timedelta(minutes=minutes)
            text += f"""
                [[mailbox]]
                address = "m{number}@musterstadt.example"
                [[mailbox.entry]]
                start = "{first:%Y-%m-%dT%H:%M}"
                end = "{end:%Y-%m-%dT%H:%M}"
                zone = "{zone}"
                recurs = "{rule}"
                """
        occurrences = 0
        with simulator(text) as running, requests.Session() as session:
            session.auth = ("STADT\\svc-optigov", "geheim")
            session.headers["Content-Type"] = "text/xml"
            for number, (rule, first, minutes, zone) in enumerate(rules):
                with self.subTest(rule=rule, first=first, zone=zone):
                    found = self.read(session, running.url, f"m{number}@musterstadt.example")
                    self.assertEqual(found, expected(rule, first, minutes, zoneinfo.ZoneInfo(zone)))
                    occurrences += len(found)
        self.assertGreater(occurrences, 20_000)

    def read(self, session, url, mailbox):
        body = messages.find_item(
            f"{START:%Y-%m-%dT%H:%M:%SZ}", f"{END:%Y-%m-%dT%H:%M:%SZ}", ("calendar:Start", "calendar:End")
        )
        response = session.post(url, data=messages.envelope(body, mailbox))
        root = etree.fromstring(response.content)
        self.assertEqual(root.xpath("//@IncludesLastItemInRange"), ["true"])
        items = root.findall(".//t:CalendarItem", messages.NAMESPACES)
        return [tuple(item.findtext(f"t:{name}", None, messages.NAMESPACES) for name in ("Start", "End")) for item in items]


def expected(rule, first, minutes, zone):
    """What dateutil says, in civil time, turned into instants as the standard library does it."""
    found = []
    for start in rrulestr(rule, dtstart=first):
        if start > END + datetime.timedelta(days=2):
            break
        end = start + datetime.timedelta(minutes=minutes)
        start, end = (at.replace(tzinfo=zone).astimezone(datetime.timezone.utc) for at in (start, end))
        if start.replace(tzinfo=None) < END and end.replace(tzinfo=None) > START:
            found.append((f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{end:%Y-%m-%dT%H:%M:%SZ}"))
    return sorted(found)


if __name__ == "__main__":
    unittest.main()
