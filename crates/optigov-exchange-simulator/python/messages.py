"""Hand-written requests, for what no client library sends."""

ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"
    xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<soap:Header><t:RequestServerVersion Version="Exchange2016"/>{header}</soap:Header>
<soap:Body>{body}</soap:Body></soap:Envelope>"""

NAMESPACES = {
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "e": "http://schemas.microsoft.com/exchange/services/2006/errors",
}


def envelope(body, mailbox=None, kind="PrimarySmtpAddress"):
    header = ""
    if mailbox:
        header = (
            f"<t:ExchangeImpersonation><t:ConnectingSID><t:{kind}>{mailbox}</t:{kind}></t:ConnectingSID>"
            "</t:ExchangeImpersonation>"
        )
    return ENVELOPE.format(header=header, body=body).encode()


def find_item(start, end, fields=(), base="IdOnly", most=None, mailbox=None):
    further = "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in fields)
    further = further and f"<t:AdditionalProperties>{further}</t:AdditionalProperties>"
    most = "" if most is None else f'MaxEntriesReturned="{most}"'
    named = mailbox and f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" or ""
    return f"""<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>{base}</t:BaseShape>{further}</m:ItemShape>
        <m:CalendarView {most} StartDate="{start}" EndDate="{end}"/>
        <m:ParentFolderIds><t:DistinguishedFolderId Id="calendar">{named}</t:DistinguishedFolderId></m:ParentFolderIds>
        </m:FindItem>"""


def get_folder(base="Default", folder="calendar"):
    return f"""<m:GetFolder><m:FolderShape><t:BaseShape>{base}</t:BaseShape></m:FolderShape><m:FolderIds>
        <t:DistinguishedFolderId Id="{folder}"/></m:FolderIds></m:GetFolder>"""


def get_item(ids, base="AllProperties"):
    ids = "".join(f'<t:ItemId Id="{id}"/>' for id in ids)
    return f"""<m:GetItem><m:ItemShape><t:BaseShape>{base}</t:BaseShape></m:ItemShape>
        <m:ItemIds>{ids}</m:ItemIds></m:GetItem>"""


def get_user_availability(mailboxes, start, end, view="DetailedMerged", interval=30):
    change = "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>"
    change += "<t:DayOfWeek>Sunday</t:DayOfWeek>"
    data = "".join(
        f"<t:MailboxData><t:Email><t:Address>{mailbox}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>"
        "</t:MailboxData>"
        for mailbox in mailboxes
    )
    return f"""<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>{change}</t:StandardTime>
        <t:DaylightTime>{change}</t:DaylightTime></t:TimeZone><m:MailboxDataArray>{data}</m:MailboxDataArray>
        <t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>
        <t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>
        <t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"""
