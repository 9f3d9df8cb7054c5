"""Microsoft's SDK, O365 and msal read the same events from Exchange Online as the scenario holds."""

import datetime
import logging
import pathlib
import ssl
import unittest
import warnings

import msal
from azure.identity import CertificateCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.item.calendar.calendar_view.calendar_view_request_builder import CalendarViewRequestBuilder
from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import GetSchedulePostRequestBody
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph_core import GraphClientFactory
from O365 import Account, MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

import graph
from graph import CERTIFICATE_APP, CLARA, EVENTS, SCOPE, SECRET_APP, SELECT, SUBJECTS, TENANT, WEEK

# unittest's loop tells of every slow step.
logging.getLogger("asyncio").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", category=DeprecationWarning, module="msgraph")


class Msal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = cls.enterClassContext(graph.town())

    def secret(self, secret, tenant=TENANT, app=SECRET_APP):
        return msal.ConfidentialClientApplication(
            app, authority=f"{self.running.base}/{tenant}", client_credential=secret, instance_discovery=False, verify=self.running.ca
        )

    def test_a_certificate_by_either_signature(self):
        for credential in (None, {"private_key": graph.KEY, "thumbprint": graph.THUMBPRINT}):
            answer = graph.certificate_client(self.running, credential).acquire_token_for_client([SCOPE])
            self.assertEqual((answer.get("token_type"), answer.get("expires_in")), ("Bearer", 3599), answer)

    def test_a_secret(self):
        app = self.secret("geheim")
        first = app.acquire_token_for_client([SCOPE])
        self.assertEqual(app.acquire_token_for_client([SCOPE])["access_token"], first["access_token"], "kept by msal")

    def test_refusals_have_their_numbers(self):
        other = {"private_key": graph.OTHER_KEY, "public_certificate": graph.OTHER_CERTIFICATE}
        for app, error, number in (
            (self.secret("falsch"), "invalid_client", 7000215),
            (self.secret("von gestern"), "invalid_client", 7000222),
            (self.secret("geheim", app="00000000-90ad-4f0b-8a77-3d5e7f901c22"), "unauthorized_client", 700016),
            (graph.certificate_client(self.running, other), "invalid_client", 700027),
        ):
            answer = app.acquire_token_for_client([SCOPE])
            self.assertEqual((answer["error"], answer["error_codes"]), (error, [number]))
        answer = self.secret("geheim").acquire_token_for_client(["https://graph.microsoft.us/.default"])
        self.assertEqual(answer["error_codes"], [500011])
        with self.assertRaises(ValueError):
            self.secret("geheim", "anderswo.example").acquire_token_for_client([SCOPE])

    def test_instance_discovery(self):
        authority = f"{self.running.base}/{TENANT}"
        app = msal.ConfidentialClientApplication(
            SECRET_APP, authority=authority, client_credential="geheim", verify=self.running.ca, validate_authority=False
        )
        self.assertIn("access_token", app.acquire_token_for_client([SCOPE]))


class Sdk(unittest.IsolatedAsyncioTestCase):
    """msgraph-sdk with a certificate by azure-identity."""

    async def asyncSetUp(self):
        self.running = self.enterContext(graph.town())
        pem = pathlib.Path(self.running.ca).with_name("key-and-certificate.pem")
        pem.write_text(graph.KEY + graph.CERTIFICATE)
        credential = CertificateCredential(
            TENANT, CERTIFICATE_APP, str(pem), authority=self.running.base, disable_instance_discovery=True,
            connection_verify=self.running.ca,
        )
        self.addCleanup(credential.close)
        provider = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=["localhost"])
        http = graph.KeepingClient(verify=ssl.create_default_context(cafile=self.running.ca))
        # The middleware takes the place of the transport, and does not close it.
        self.addAsyncCleanup(http._transport.aclose)
        http = GraphClientFactory.create_with_default_middleware(client=http)
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = self.running.base + "/v1.0"
        self.client = GraphServiceClient(request_adapter=adapter)

    async def view(self, mailbox, top=None, zone="UTC", select=SELECT):
        parameters = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
            start_date_time=WEEK[0], end_date_time=WEEK[1], select=select, top=top
        )
        configuration = RequestConfiguration(query_parameters=parameters)
        configuration.headers.add("Prefer", f'outlook.timezone="{zone}", IdType="ImmutableId"')
        view = self.client.users.by_user_id(mailbox).calendar.calendar_view
        page = await view.get(configuration)
        found, pages = list(page.value), 1
        while page.odata_next_link:
            page = await view.with_url(page.odata_next_link).get(configuration)
            found += page.value
            pages += 1
        return found, pages

    def told(self, events):
        return [
            (
                *(datetime.datetime.fromisoformat(time.date_time[:19]) for time in (event.start, event.end)),
                event.show_as.value, event.type.value, event.is_all_day, event.is_cancelled,
            )
            for event in events
        ]

    async def test_a_view_page_by_page(self):
        for top, pages in ((100, 1), (3, 3)):
            found, count = await self.view(CLARA, top)
            self.assertEqual((self.told(found), count), (EVENTS, pages))
            self.assertEqual(len({event.id for event in found}), len(EVENTS))
            self.assertTrue(all(event.subject is None for event in found))
            self.assertEqual(found[4].original_start_time_zone, "tzone://Microsoft/Custom")

    async def test_a_view_in_berlin(self):
        found, _ = await self.view(CLARA, zone="W. Europe Standard Time")
        self.assertEqual(found[1].start.date_time, "2026-11-24T09:00:00.0000000")
        self.assertEqual(found[2].start.date_time, "2026-11-25T00:00:00.0000000")
        self.assertEqual({event.end.time_zone for event in found}, {"W. Europe Standard Time"})

    async def test_titles_where_they_are_asked_for(self):
        with graph.unrecorded():
            found, _ = await self.view(CLARA, select=["subject"])
        self.assertEqual([event.subject for event in found], SUBJECTS)

    async def test_schedules(self):
        def time(text):
            return DateTimeTimeZone(date_time=text, time_zone="UTC")

        names = [CLARA, "anna@musterstadt.example", "niemand@musterstadt.example"]
        body = GetSchedulePostRequestBody(
            schedules=names, start_time=time("2026-11-24T00:00:00"), end_time=time("2026-11-25T00:00:00"), availability_view_interval=60
        )
        answer = await self.client.users.by_user_id(CLARA).calendar.get_schedule.post(body)
        clara, anna, unknown = answer.value
        self.assertEqual(clara.availability_view, "0" * 8 + "2" + "0" * 14 + "3")
        self.assertEqual([item.status.value for item in clara.schedule_items], ["busy", "oof"])
        self.assertEqual(anna.error.response_code, "ErrorProxyRequestProcessingFailed")
        self.assertEqual(unknown.error.response_code, "ErrorMailRecipientNotFound")

    async def test_refusals_have_their_codes(self):
        for mailbox, status, code in (
            ("niemand@musterstadt.example", 404, "ErrorInvalidUser"),
            ("anna@musterstadt.example", 404, "MailboxNotEnabledForRESTAPI"),
        ):
            with self.assertRaises(ODataError) as caught:
                await self.view(mailbox)
            self.assertEqual((caught.exception.response_status_code, caught.exception.error.code), (status, code))
            self.assertIsNotNone(caught.exception.error.inner_error.request_id)


class WithO365(unittest.TestCase):
    def test_a_view(self):
        with graph.town() as running:
            class Protocol(MSGraphProtocol):
                _protocol_url = running.base + "/"

            tokens = MemoryTokenBackend()
            account = Account(
                (CERTIFICATE_APP, "secret"), auth_flow_type="credentials", tenant_id=TENANT, main_resource=CLARA,
                protocol=Protocol(timezone="UTC"), token_backend=tokens, verify_ssl=running.ca,
            )
            account.con._msal_client = graph.certificate_client(running, token_cache=tokens)
            self.addCleanup(lambda: account.con.session.close())
            self.assertTrue(account.authenticate())
            calendar = account.schedule().get_default_calendar()
            self.assertEqual((calendar.name, calendar.owner.address), ("Kalender", CLARA))
            start, end = (datetime.datetime(2026, 11, day, tzinfo=datetime.timezone.utc) for day in (23, 30))

            def read(*select):
                query = calendar.new_query("start").greater_equal(start).chain("and").on_attribute("end").less_equal(end)
                query = query.select(*select) if select else query
                return list(calendar.get_events(limit=50, query=query, batch=3))

            found = [
                (event.start.replace(tzinfo=None), event.end.replace(tzinfo=None), event.show_as.value, event.is_all_day, event.is_cancelled)
                for event in read(*SELECT[:5])
            ]
            expected = [(start, end, status, all_day, cancelled) for start, end, status, _, all_day, cancelled in EVENTS]
            self.assertEqual(found, expected)
            with graph.unrecorded():
                self.assertEqual([event.subject for event in read()], SUBJECTS)


if __name__ == "__main__":
    unittest.main()
