"""exchangelib reads what the scenario holds: with Basic and with NTLM, under impersonation."""

import threading
import unittest
import warnings

from exchangelib import BASIC, IMPERSONATION, NTLM, Account, Configuration, Credentials, EWSDateTime, EWSDate, EWSTimeZone
from exchangelib.errors import ErrorImpersonateUserDenied, ErrorNonExistentMailbox, ErrorNonPrimarySmtpAddress
from exchangelib.errors import ErrorMailRecipientNotFound, ErrorNoFreeBusyAccess, UnauthorizedError
from exchangelib.properties import CreatedEvent, DeletedEvent, ModifiedEvent

from simulator import scenario, simulator

BERLIN = EWSTimeZone("Europe/Berlin")


def at(day, hour, minute=0):
    return EWSDateTime(2026, 11, day, hour, minute, tzinfo=BERLIN)


class Reading:
    """The same tests for every way to log in."""

    auth_type = None

    @classmethod
    def setUpClass(cls):
        cls.running = cls.enterClassContext(simulator(scenario("musterstadt")))

    def account(self, address, password="geheim"):
        credentials = Credentials("STADT\\svc-optigov", password)
        configuration = Configuration(service_endpoint=self.running.url, credentials=credentials, auth_type=self.auth_type)
        account = Account(address, config=configuration, access_type=IMPERSONATION, default_timezone=BERLIN)
        self.addCleanup(account.protocol.close)
        return account

    def view(self, address):
        # One entry has a zone of no known name, as real calendars do; exchangelib says so.
        warnings.filterwarnings("ignore", message="Cannot convert value 'Customized Time Zone'")
        items = self.account(address).calendar.view(start=at(23, 0), end=at(30, 0))
        return sorted(items, key=lambda item: (str(item.start), str(item.subject)))

    def test_calendar_view_holds_the_scenario(self):
        found = [
            (item.start, item.end, item.subject, item.legacy_free_busy_status, item.type, item.is_cancelled)
            for item in self.view("anna@musterstadt.example")
        ]
        expected = [
            (at(23, 14), at(23, 15), "Runde", "Busy", "Occurrence", False),
            (at(24, 9), at(24, 10), "Gespräch mit Frau Öztürk & Söhnen", "Busy", "Single", False),
            (EWSDate(2026, 11, 25), EWSDate(2026, 11, 27), "Urlaub", "OOF", "Single", False),
            (at(25, 16), at(25, 17, 30), "Runde", "Busy", "Exception", False),
            (at(26, 9), at(26, 10), "Anruf aus London", "Tentative", "Single", False),
            (at(26, 11), at(26, 12), "Abgesagtes Treffen", "Free", "Single", True),
            (at(26, 14), at(26, 15), "Runde", "Busy", "Occurrence", False),
            (at(27, 14), at(27, 15), "Runde", "Busy", "Occurrence", False),
        ]
        self.assertEqual(found, expected)

    def test_private_items_and_rooms(self):
        private = [item.subject for item in self.view("anna@musterstadt.example") if item.sensitivity == "Private"]
        self.assertEqual(private, ["Gespräch mit Frau Öztürk & Söhnen"])
        (wedding,) = self.view("trauzimmer@musterstadt.example")
        self.assertEqual((wedding.start, wedding.subject, wedding.sensitivity), (at(24, 13), None, "Normal"))

    def test_series_from_ics(self):
        (tuesday,) = self.view("bernd@musterstadt.example")
        self.assertEqual((tuesday.start, tuesday.end, tuesday.subject), (at(24, 8), at(24, 12), "Sprechtag"))
        self.assertTrue(tuesday.is_recurring)

    def test_free_busy(self):
        anna = self.account("anna@musterstadt.example")

        def ask(who):
            return list(anna.protocol.get_free_busy_info([(who, "Required", False)], start=at(24, 0), end=at(25, 0)))

        (first,) = ask(anna)
        self.assertEqual(first.view_type, "DetailedMerged")
        (event,) = first.calendar_events
        self.assertEqual((event.start, event.end, event.busy_type), (at(24, 9), at(24, 10), "Busy"))
        self.assertTrue(event.details.is_private)
        self.assertIsNone(event.details.subject, "private, and seen by somebody else")
        self.assertEqual(first.merged, "0" * 18 + "22" + "0" * 28)
        (hours,) = first.working_hours
        self.assertEqual((str(hours.start), str(hours.end)), ("07:30:00", "16:00:00"))
        self.assertEqual(first.working_hours_timezone.bias, -60)
        with self.assertRaises(ErrorNoFreeBusyAccess):
            ask("bernd@musterstadt.example")
        # This one exchangelib hands back in place of the view.
        (unknown,) = ask("niemand@musterstadt.example")
        self.assertIsInstance(unknown, ErrorMailRecipientNotFound)

    def test_refused_impersonation_has_its_own_classes(self):
        with self.assertRaises(ErrorImpersonateUserDenied):
            self.view("fremd@musterstadt.example")
        with self.assertRaises(ErrorNonExistentMailbox):
            self.view("anan@musterstadt.example")
        with self.assertRaises(ErrorNonPrimarySmtpAddress):
            self.view("a.muster@musterstadt.example")

    def test_a_wrong_password_is_refused(self):
        with self.assertRaises(UnauthorizedError):
            list(self.account("anna@musterstadt.example", "falsch").calendar.view(start=at(23, 0), end=at(30, 0)))


class WithBasic(Reading, unittest.TestCase):
    auth_type = BASIC


class WithNtlm(Reading, unittest.TestCase):
    auth_type = NTLM


class Streaming(unittest.TestCase):
    HEAD = """
        back_ends = 2
        [[account]]
        name = "svc-optigov"
        password = "geheim"
        impersonates = "all"
        [[mailbox]]
        address = "anna@musterstadt.example"
        """
    ENTRY = """
        [[mailbox.entry]]
        uid = "{uid}"
        start = "2026-11-24T{hour}:00"
        end = "2026-11-24T23:00"
        """

    def test_notifications_tell_of_created_changed_and_deleted_items(self):
        entry = self.ENTRY.format
        before = self.HEAD + entry(uid="a", hour="09") + entry(uid="b", hour="10")
        after = self.HEAD + entry(uid="b", hour="11") + entry(uid="c", hour="12")
        with simulator(before) as running:
            credentials = Credentials("STADT\\svc-optigov", "geheim")
            configuration = Configuration(service_endpoint=running.url, credentials=credentials, auth_type=BASIC)
            account = Account("anna@musterstadt.example", config=configuration, access_type=IMPERSONATION)
            subscription = account.calendar.subscribe_to_streaming()
            changed = threading.Thread(target=running.change, args=(after,))
            changed.start()
            (notification,) = account.calendar.get_streaming_events(
                subscription, connection_timeout=1, max_notifications_returned=1
            )
            changed.join()
            self.assertEqual(notification.subscription_id, subscription)
            kinds = sorted(type(event).__name__ for event in notification.events)
            self.assertEqual(kinds, sorted(kind.__name__ for kind in (CreatedEvent, DeletedEvent, ModifiedEvent)))
            account.calendar.unsubscribe(subscription)
            account.protocol.close()


if __name__ == "__main__":
    unittest.main()
