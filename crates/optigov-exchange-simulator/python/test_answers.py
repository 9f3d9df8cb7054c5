"""Every operation over every scenario, for the schema; and the refusals that no client library asks for."""

import unittest

import requests
from lxml import etree

import messages
from simulator import SCENARIOS, keep, scenario, simulator

ANNA = "anna@musterstadt.example"
WEEK = ("2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z")
VIEWS = ("MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged")
ENTRY = """
    [[mailbox.entry]]
    start = 2026-11-24T09:00:00
    end = 2026-11-24T10:00:00
    """
STREAMS = f"""
    streaming = {{ heartbeat = 20, connections = 1 }}
    [[fault]]
    effect = {{ stream = {{ error = {{ after = 2, code = "ErrorMissedNotificationEvents" }} }} }}
    operation = "GetStreamingEvents"
    nth = 4
    [[account]]
    name = "svc-optigov"
    password = "geheim"
    impersonates = "all"
    [[mailbox]]
    address = "{ANNA}"
    keeps_deleted = true
    """


class Answers(unittest.TestCase):
    def post(self, running, body, mailbox=None, **arguments):
        with requests.Session() as session:
            session.auth = ("STADT\\svc-optigov", "geheim")
            headers = {"Content-Type": "text/xml"}
            response = session.post(running.url, data=messages.envelope(body, mailbox, **arguments), headers=headers)
            return etree.fromstring(response.content)

    def codes(self, root):
        return [code.text for code in root.iter("{*}ResponseCode")]

    def test_every_operation_over_every_scenario(self):
        for file in sorted(SCENARIOS.glob("*.toml")):
            with self.subTest(file.name), simulator(file.read_text()) as running:
                self.ask_everything(running)

    def ask_everything(self, running):
        ids = []
        for base in ("IdOnly", "Default", "AllProperties"):
            for most in (None, 1):
                root = self.post(running, messages.find_item(*WEEK, base=base, most=most), ANNA)
                ids += root.xpath("//t:ItemId/@Id", namespaces=messages.NAMESPACES)
            self.assertTrue(ids)
            self.post(running, messages.get_item(sorted(set(ids)), base), ANNA)
            for folder in ("root", "msgfolderroot", "calendar", "inbox"):
                self.post(running, messages.get_folder(base, folder), ANNA)
        occurrences = "".join(f'<t:RecurringMasterItemId OccurrenceId="{id}"/>' for id in sorted(set(ids)))
        shape = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
        self.post(running, f"<m:GetItem>{shape}<m:ItemIds>{occurrences}</m:ItemIds></m:GetItem>", ANNA)
        self.post(running, messages.get_item(["nonsense"]), ANNA)
        mailboxes = (ANNA, "niemand@musterstadt.example", "fremd@musterstadt.example", "bernd@musterstadt.example")
        for view in VIEWS:
            self.post(running, messages.get_user_availability(mailboxes, *WEEK, view))
            self.post(running, messages.get_user_availability(mailboxes, *WEEK, view), ANNA)
        for full in ("true", "false"):
            self.post(running, f'<m:GetServerTimeZones ReturnFullTimeZoneData="{full}"/>')
        self.stream(running)

    def stream(self, running):
        folder = "<t:FolderIds><t:DistinguishedFolderId Id='calendar'/></t:FolderIds>"
        kinds = "<t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>"
        subscribe = f"<m:Subscribe><m:StreamingSubscriptionRequest>{folder}{kinds}</m:StreamingSubscriptionRequest></m:Subscribe>"
        root = self.post(running, subscribe, ANNA)
        (subscription,) = root.xpath("//m:SubscriptionId/text()", namespaces=messages.NAMESPACES)
        events = """<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{}</t:SubscriptionId></m:SubscriptionIds>
            <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>""".format
        self.assertEqual(self.codes(self.post(running, events("unknown"), ANNA)), ["ErrorSubscriptionNotFound"])
        with requests.Session() as session:
            session.auth = ("STADT\\svc-optigov", "geheim")
            body, headers = messages.envelope(events(subscription), ANNA), {"Content-Type": "text/xml"}
            response = session.post(running.url, data=body, headers=headers, stream=True)
            documents = b""
            unsubscribe = f"<m:Unsubscribe><m:SubscriptionId>{subscription}</m:SubscriptionId></m:Unsubscribe>"
            for piece in response.iter_content(None):
                documents += piece
                if documents.count(b"</s:Envelope>") == 1:
                    self.assertEqual(self.codes(self.post(running, unsubscribe, ANNA)), ["NoError"])
            self.assertEqual(self.codes(self.post(running, unsubscribe, ANNA)), ["ErrorSubscriptionNotFound"])
        first, second, rest = documents.split(b"</s:Envelope>")
        self.assertEqual(rest, b"")
        self.assertIn(b"<m:ConnectionStatus>OK<", first)
        self.assertIn(b"<m:ConnectionStatus>Closed<", second)
        for document in (first, second):
            keep(document + b"</s:Envelope>")

    def test_streams_that_fail_and_events_of_every_kind(self):
        with simulator(STREAMS + ENTRY) as running:
            first, documents = self.subscribe(running), self.documents(running)
            opened = documents(first)
            self.assertIn(b"<m:ConnectionStatus>OK<", next(opened))
            refused = self.post(running, self.events(*[first]), ANNA)
            self.assertEqual(self.codes(refused), ["ErrorExceededConnectionCount"])
            self.assertEqual(self.codes(self.post(running, self.events(*[first] * 201), ANNA)), ["ErrorInvalidArgument"])
            running.change(STREAMS)
            self.assertTrue(any(b"<t:MovedEvent>" in document for document in opened))
            opened.close()
            second = self.subscribe(running)
            texts = b"".join(documents(second))
            self.assertIn(b"ErrorMissedNotificationEvents", texts)
            self.assertEqual(self.codes(self.post(running, self.events(second), ANNA)), ["ErrorSubscriptionNotFound"])

    def subscribe(self, running):
        folder = "<t:FolderIds><t:DistinguishedFolderId Id='calendar'/></t:FolderIds>"
        kinds = "<t:EventTypes><t:EventType>MovedEvent</t:EventType><t:EventType>CopiedEvent</t:EventType></t:EventTypes>"
        subscribe = f"<m:Subscribe><m:StreamingSubscriptionRequest>{folder}{kinds}</m:StreamingSubscriptionRequest></m:Subscribe>"
        (subscription,) = self.post(running, subscribe, ANNA).xpath("//m:SubscriptionId/text()", namespaces=messages.NAMESPACES)
        return subscription

    def events(self, *subscriptions):
        ids = "".join(f"<t:SubscriptionId>{subscription}</t:SubscriptionId>" for subscription in subscriptions)
        return f"""<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds>
            <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"""

    def documents(self, running):
        """The envelopes of a stream, each kept for the schema check."""

        def documents(subscription):
            with requests.Session() as session:
                session.auth = ("STADT\\svc-optigov", "geheim")
                body, headers = messages.envelope(self.events(subscription), ANNA), {"Content-Type": "text/xml"}
                with session.post(running.url, data=body, headers=headers, stream=True) as response:
                    text = b""
                    for piece in response.iter_content(None):
                        text += piece
                        while b"</s:Envelope>" in text:
                            document, text = text.split(b"</s:Envelope>", 1)
                            # Exchange writes this element in another namespace than its schema has it, and so does the simulator.
                            valid = document.replace(b"m:Notification>", b"t:Notification>")
                            keep(valid + b"</s:Envelope>")
                            yield document

        return documents

    def test_limits_and_refusals(self):
        wide = ("2026-01-01T00:00:00Z", "2028-06-01T00:00:00Z")
        month = ("2026-11-01T00:00:00Z", "2026-12-20T00:00:00Z")
        availability = messages.get_user_availability
        with simulator(scenario("musterstadt")) as running:
            for code, body, mailbox in (
                ("ErrorCalendarViewRangeTooBig", messages.find_item(*wide), ANNA),
                ("ErrorTimeIntervalTooBig", availability([ANNA], *month), None),
                ("ErrorMailboxDataArrayTooBig", availability([ANNA] * 101, *WEEK), None),
                ("ErrorInvalidMergedFreeBusyInterval", availability([ANNA], *WEEK, interval=4), None),
                ("ErrorInvalidTimeInterval", availability([ANNA], WEEK[1], WEEK[0]), None),
                ("ErrorMailboxMoveInProgress", messages.find_item(*WEEK), "umzug@musterstadt.example"),
                ("ErrorAccountDisabled", messages.find_item(*WEEK), "gesperrt@musterstadt.example"),
                ("ErrorAccessDenied", messages.find_item(*WEEK, mailbox=ANNA), None),
                ("ErrorAccessDenied", messages.find_item(*WEEK, mailbox="bernd@musterstadt.example"), ANNA),
                ("ErrorFolderNotFound", messages.get_folder(folder="inbox"), ANNA),
                ("ErrorInvalidRequest", "<m:DeleteItem/>", ANNA),
                ("ErrorSchemaValidation", "<m:FindItem/>", ANNA),
            ):
                with self.subTest(code):
                    self.assertEqual(self.codes(self.post(running, body, mailbox)), [code])

    def test_the_four_ways_to_name_a_mailbox(self):
        with simulator(scenario("musterstadt")) as running:
            for kind, name in (
                ("PrimarySmtpAddress", ANNA),
                ("SmtpAddress", "a.muster@musterstadt.example"),
                ("PrincipalName", "anna@stadt.example"),
                ("SID", "S-1-5-21-1004336348-1177238915-682003330-1001"),
            ):
                root = self.post(running, messages.find_item(*WEEK, ("item:Subject",)), name, kind=kind)
                subjects = [subject.text for subject in root.iter("{*}Subject")]
                self.assertIn("Urlaub", subjects, kind)


if __name__ == "__main__":
    unittest.main()
