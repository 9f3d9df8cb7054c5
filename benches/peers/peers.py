"""Libraries in Python and ours, side by side: the same mailboxes of the same simulator, and the slots that these calendars leave free.

    peers.py PROGRAM [--mailboxes N] [--rounds N] [--compare-only]

PROGRAM is the example `peers` of the package `optigov-benches`, which holds the simulator and our side. Everything that is timed was compared before:
each side has read the same entries, at the same times, and has found the same slots. See docs/comparison.md.
"""

import argparse
import asyncio
import datetime
import functools
import json
import os
import pathlib
import ssl
import statistics
import subprocess
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

# Without these, times that have no zone would be read in the machine's own.
os.environ["TZ"] = "UTC"
time.tzset()

from exchangelib import BASIC, IMPERSONATION, NTLM, Account, Configuration, Credentials, EWSDateTime, UTC
from exchangelib.protocol import CachingProtocol
from intervaltree import IntervalTree
from secondstate import SecondState

warnings.filterwarnings("ignore", category=DeprecationWarning)

MINUTES = 20
LENGTH = 60 * MINUTES
STATUS = {"free": "Free", "tentative": "Tentative", "busy": "Busy", "oof": "OOF"}


class Ours:
    """Our side: a question is a line, its answer another."""

    def __init__(self, program, mailboxes):
        self._process = subprocess.Popen([program, str(mailboxes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.town = self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("our side has ended")
        return json.loads(line)

    def ask(self, what, **more):
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self):
        self._process.stdin.close()
        if self._process.wait(timeout=30):
            raise SystemExit("our side has failed")


class Peer:
    """One way in which a library reads mailboxes; beside it, our way, how many readings run at once, and how many mailboxes are read."""

    def __init__(self, name, read, way, at_once, mailboxes, prepare=None):
        self.name, self.read, self.way, self.at_once, self.mailboxes = name, read, way, at_once, mailboxes
        # What the library has before the clock starts, where it has anything.
        self.prepare = prepare

    def ours(self, ours):
        return ours.ask("read", way=self.way, at_once=self.at_once, mailboxes=self.mailboxes)


def second(moment):
    return str(int(moment.timestamp()))


def utc(text):
    return datetime.datetime.fromisoformat(text)


# --- exchangelib ---


def configuration(town, auth_type, at_once):
    # Otherwise connections, versions and what else it keeps would be left from the round before.
    CachingProtocol.clear_cache()
    credentials = Credentials("STADT\\svc-optigov" if auth_type == NTLM else "svc-optigov", town["password"])
    return Configuration(service_endpoint=town["url"], credentials=credentials, auth_type=auth_type, max_connections=at_once)


def account_of(config, mailbox):
    return Account(mailbox, config=config, access_type=IMPERSONATION, default_timezone=UTC)


def exchangelib_view(account, town):
    start, end = (EWSDateTime.from_datetime(utc(town[key])) for key in ("start", "end"))
    view = account.calendar.view(start=start, end=end)
    items = view.only("start", "end", "is_all_day", "legacy_free_busy_status", "is_cancelled")
    return sorted(
        (str(item.start), str(item.end), item.legacy_free_busy_status)
        if item.is_all_day
        else (second(item.start), second(item.end), item.legacy_free_busy_status)
        for item in items
    )


def exchangelib_views(town, auth_type, at_once):
    config = configuration(town, auth_type, at_once)
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda mailbox: exchangelib_view(account_of(config, mailbox), town), town["mailboxes"]))


def exchangelib_accounts(town, at_once):
    """Accounts that know their calendar folder already, as a program has them that keeps them."""
    config = configuration(town, BASIC, at_once)
    accounts = [account_of(config, mailbox) for mailbox in town["mailboxes"]]
    for account in accounts:
        account.calendar.refresh()
    return accounts


def exchangelib_kept(town, at_once, accounts):
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda account: exchangelib_view(account, town), accounts))


def exchangelib_free_busy(town, at_once):
    config = configuration(town, BASIC, at_once)
    start, end = (EWSDateTime.from_datetime(utc(town[key])) for key in ("start", "end"))
    first = account_of(config, town["mailboxes"][0])
    asked = [(mailbox, "Required", False) for mailbox in town["mailboxes"]]
    views = first.protocol.get_free_busy_info(asked, start=start, end=end, requested_view="FreeBusy")
    return [sorted((second(e.start), second(e.end), e.busy_type) for e in view.calendar_events or ()) for view in views]


# --- Microsoft's SDK and O365, for Exchange Online ---


def of_graph(event_start, event_end, all_day, status):
    if all_day:
        return (str(event_start.date()), str(event_end.date() - datetime.timedelta(days=1)), STATUS[status])
    return (second(event_start), second(event_end), STATUS[status])


def msgraph_views(town, mailboxes, at_once):
    from azure.identity import ClientSecretCredential
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.users.item.calendar.calendar_view.calendar_view_request_builder import (
        CalendarViewRequestBuilder,
    )
    from msgraph_core import GraphClientFactory
    import httpx

    credential = ClientSecretCredential(
        town["tenant"], town["application"], town["password"], authority=town["graph"], disable_instance_discovery=True,
        connection_verify=town["ca_file"],
    )
    query = CalendarViewRequestBuilder.CalendarViewRequestBuilderGetQueryParameters(
        start_date_time=town["start"], end_date_time=town["end"], top=1000,
        select=["start", "end", "isAllDay", "isCancelled", "showAs"],
    )

    async def all_views():
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["localhost", "127.0.0.1"]
        )
        http = httpx.AsyncClient(verify=ssl.create_default_context(cafile=town["ca_file"]), timeout=60)
        http = GraphClientFactory.create_with_default_middleware(client=http)
        adapter = GraphRequestAdapter(provider, client=http)
        adapter.base_url = town["graph"] + "/v1.0"
        client, places = GraphServiceClient(request_adapter=adapter), asyncio.Semaphore(at_once)

        async def one(mailbox):
            async with places:
                page = await client.users.by_user_id(mailbox).calendar.calendar_view.get(RequestConfiguration(query_parameters=query))
            assert page.odata_next_link is None
            found = []
            for event in page.value:
                start, end = (utc(moment.date_time[:19] + "+00:00") for moment in (event.start, event.end))
                found.append(of_graph(start, end, event.is_all_day, event.show_as.value))
            return sorted(found)

        try:
            return await asyncio.gather(*(one(mailbox) for mailbox in town["online"][:mailboxes]))
        finally:
            await http.aclose()

    try:
        return asyncio.run(all_views())
    finally:
        credential.close()


def o365_views(town, mailboxes):
    import msal
    from O365 import Account as O365Account, MSGraphProtocol
    from O365.utils.token import MemoryTokenBackend

    class Protocol(MSGraphProtocol):
        _protocol_url = town["graph"] + "/"

    tokens = MemoryTokenBackend()
    account = O365Account(
        (town["application"], town["password"]), auth_flow_type="credentials", tenant_id=town["tenant"],
        protocol=Protocol(timezone="UTC"), token_backend=tokens, verify_ssl=town["ca_file"],
        requests_delay=0,  # by default it waits 200 ms between two requests
    )
    # It knows Microsoft's own authority alone.
    account.con._msal_client = msal.ConfidentialClientApplication(
        town["application"], authority=f"{town['graph']}/{town['tenant']}", client_credential=town["password"],
        instance_discovery=False, verify=town["ca_file"], token_cache=tokens,
    )
    if not account.authenticate():
        raise SystemExit("O365: no token")

    def one(mailbox):
        calendar = account.schedule(resource=mailbox).get_default_calendar()
        query = calendar.new_query("start").greater_equal(utc(town["start"])).chain("and").on_attribute("end").less_equal(utc(town["end"]))
        query = query.select("start", "end", "isAllDay", "isCancelled", "showAs")
        events = calendar.get_events(limit=1000, query=query, batch=999)
        return sorted(of_graph(event.start, event.end, event.is_all_day, event.show_as.value) for event in events)

    try:
        return [one(mailbox) for mailbox in town["online"][:mailboxes]]
    finally:
        account.con.session.close()


# --- comparing and timing ---


def timed(work):
    began, processor = time.perf_counter(), time.process_time()
    found = work()
    return found, {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - processor}


def least(costs, key):
    return min(cost[key] for cost in costs)


def spread(costs, others, key):
    """How many times as long as ours the peer takes, in each round: the median, and the least and the greatest."""
    ratios = sorted(other[key] / cost[key] for cost, other in zip(costs, others))
    return f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"


def compare(name, theirs, ours):
    if not any(ours):
        raise SystemExit(f"{name}: nothing was read")
    for number, (their, our) in enumerate(zip(theirs, ours, strict=True)):
        if [tuple(entry) for entry in our] != their:
            raise SystemExit(f"{name}: the entries of mailbox {number} differ:\n{their}\n{our}")


def readings(ours, rounds, only_compare):
    town = ours.town
    all_of_them = len(town["mailboxes"])
    # Microsoft's SDK takes its time.
    some = min(all_of_them, 20)
    peers = [
        Peer("exchangelib, Basic, one after the other", lambda: exchangelib_views(town, BASIC, 1), "basic", 1, all_of_them),
        Peer("exchangelib, Basic, 10 at once", lambda: exchangelib_views(town, BASIC, 10), "basic", 10, all_of_them),
        Peer(
            "exchangelib, Basic, 10 at once, accounts kept", lambda accounts: exchangelib_kept(town, 10, accounts), "basic", 10, all_of_them,
            prepare=lambda: exchangelib_accounts(town, 10),
        ),
        Peer("exchangelib, NTLM, 10 at once", lambda: exchangelib_views(town, NTLM, 10), "ntlm", 10, all_of_them),
        Peer("exchangelib, free/busy in one request", lambda: exchangelib_free_busy(town, 1), "free_busy", 1, all_of_them),
        Peer("msgraph-sdk, 4 at once", lambda: msgraph_views(town, some, 4), "graph", 4, some),
        Peer("O365, one after the other", lambda: o365_views(town, some), "graph", 1, some),
    ]
    read = None
    for peer in peers:
        their_read = functools.partial(peer.read, peer.prepare()) if peer.prepare else peer.read
        ours.ask("requests")
        our = peer.ours(ours)
        our_requests = ours.ask("requests")
        theirs = their_read()
        their_requests = ours.ask("requests")
        compare(peer.name, theirs, our["calendars"])
        if read is None:
            read = our["calendars"]
        entries = sum(map(len, theirs))
        print(f"\n{peer.name}: the same {entries} entries of {len(theirs)} mailboxes as ours")
        print(f"  requests: {sum(their_requests.values())} {shown(their_requests)}; ours {sum(our_requests.values())} {shown(our_requests)}")
        if only_compare:
            continue
        costs, others = [], []
        for _ in range(rounds):
            costs.append(peer.ours(ours)["cost"])
            others.append(timed(their_read)[1])
        for key, what in (("seconds", "time"), ("processor_seconds", "processor time")):
            print(
                f"  {what}: {least(others, key) * 1000:.0f} ms, ours {least(costs, key) * 1000:.1f} ms (least of {rounds});"
                f" as many times as ours: {spread(costs, others, key)}"
            )
    return read


def shown(requests):
    return "(" + ", ".join(f"{count} {kind}" for kind, count in sorted(requests.items())) + ")"


# --- slots ---


def opening_hours(town):
    """Monday to Friday from 8 to 12 and from 13 to 17 h, in UTC."""
    start, windows = utc(town["start"]), []
    for day in (start + datetime.timedelta(days=number) for number in range(14)):
        if day.weekday() < 5:
            windows += [[int((day + datetime.timedelta(hours=hour)).timestamp()) for hour in hours] for hours in ((8, 12), (13, 17))]
    return windows


def iso(moment):
    return datetime.datetime.fromtimestamp(moment).isoformat()


def with_secondstate(town, windows, busy):
    state = SecondState(*(utc(town[key]).replace(tzinfo=None).isoformat() for key in ("start", "end")))
    for start, end in windows:
        state.set(iso(start), iso(end))
    for start, end in busy:
        state.unset(iso(start), iso(end))
    return [int(datetime.datetime.fromisoformat(start).timestamp()) for start, _ in state.get(minutes=MINUTES)]


def with_intervaltree(town, windows, busy):
    del town
    free = IntervalTree.from_tuples(windows)
    for start, end in busy:
        free.chop(start, end)
    return [start for gap in sorted(free) for start in range(gap.begin, gap.end - LENGTH + 1, LENGTH)]


def by_hand(town, windows, busy):
    """What one writes without a library: sort, and go through hours and busy time at once."""
    del town
    busy, starts, at = sorted(busy), [], 0
    for free, close in windows:
        while free + LENGTH <= close:
            while at < len(busy) and busy[at][1] <= free:
                at += 1
            begins = busy[at][0] if at < len(busy) else close
            while free + LENGTH <= min(begins, close):
                starts.append(free)
                free += LENGTH
            if begins >= close:
                break
            free = max(free, busy[at][1])
    return starts


def slots(ours, calendars, rounds, only_compare):
    town, windows = ours.town, opening_hours(ours.town)
    busy = [[[int(start), int(end)] for start, end, status in calendar if "-" not in start and status != "Free"] for calendar in calendars]
    print(f"\nslots of {MINUTES} minutes in {len(windows)} opening hours, {sum(map(len, busy)) / len(busy):.0f} entries in each of {len(busy)} calendars")
    for name, find, count in (("sorted and merged by hand", by_hand, 100), ("intervaltree", with_intervaltree, 100), ("secondstate", with_secondstate, 3)):
        some = busy[:count]
        repeat = 1 if only_compare else 2000
        our = ours.ask("slots", windows=windows, busy=some, minutes=MINUTES, repeat=repeat)
        work = functools.partial(lambda some, find: [find(town, windows, calendar) for calendar in some], some, find)
        found, cost = timed(work)
        if found != our["starts"] or not any(found):
            raise SystemExit(f"{name}: other slots than ours")
        print(f"{name}: the same {sum(map(len, found))} slots as ours")
        if only_compare:
            continue
        costs, others = [our["cost"]], [cost]
        for _ in range(rounds - 1):
            costs.append(ours.ask("slots", windows=windows, busy=some, minutes=MINUTES, repeat=repeat)["cost"])
            others.append(timed(work)[1])
        key = "processor_seconds"
        print(
            f"  processor time per counter: {least(others, key) / len(some) * 1e6:.0f} µs, ours {least(costs, key) / len(some) * 1e6:.2f} µs"
            f" (least of {rounds}); as many times as ours: {spread(costs, others, key)}"
        )


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("--mailboxes", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--compare-only", action="store_true", help="compare the answers, and time nothing")
    arguments = arguments.parse_args()
    ours = Ours(arguments.program, arguments.mailboxes)
    with tempfile.TemporaryDirectory() as folder:
        ca = pathlib.Path(folder, "ca.pem")
        ca.write_text(ours.town["ca"])
        ours.town["ca_file"] = os.environ["REQUESTS_CA_BUNDLE"] = str(ca)
        if not ours.town["optimised"] and not arguments.compare_only:
            print("our side is NOT an optimised build: its figures are too high")
        print("load average: " + ", ".join(f"{load:.1f}" for load in os.getloadavg()))
        calendars = readings(ours, arguments.rounds, arguments.compare_only)
        slots(ours, calendars, arguments.rounds, arguments.compare_only)
    ours.stop()


if __name__ == "__main__":
    main()
