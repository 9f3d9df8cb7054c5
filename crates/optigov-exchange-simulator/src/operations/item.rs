//! A calendar item on the wire: exactly the properties asked for, in the schema's order.

use super::Request;
use super::folder::Folder;
use super::item_id;
use super::recurrence;
use crate::calendar::{Kind, Occurrence};
use crate::encoding::INVALID_BYTE;
use crate::soap::Refusal;
use crate::xml::{Element, Escaped, Ns};
use crate::zones;

/// The properties that a request asks for.
#[derive(Debug)]
pub(super) struct Shape {
    wanted: Vec<Property>,
}

/// What the simulator knows of an item, in the order of `t:CalendarItemType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Property {
    ParentFolderId,
    ItemClass,
    Subject,
    Sensitivity,
    Body,
    Importance,
    IsDraft,
    HasAttachments,
    Culture,
    Uid,
    RecurrenceId,
    Start,
    End,
    OriginalStart,
    IsAllDayEvent,
    LegacyFreeBusyStatus,
    Location,
    IsMeeting,
    IsCancelled,
    IsRecurring,
    IsResponseRequested,
    CalendarItemType,
    MyResponseType,
    Organizer,
    Duration,
    TimeZone,
    AppointmentSequenceNumber,
    AppointmentState,
    Recurrence,
    FirstOccurrence,
    ModifiedOccurrences,
    DeletedOccurrences,
    StartTimeZone,
    EndTimeZone,
}

const ALL: [(&str, Property); 34] = [
    ("item:ParentFolderId", Property::ParentFolderId),
    ("item:ItemClass", Property::ItemClass),
    ("item:Subject", Property::Subject),
    ("item:Sensitivity", Property::Sensitivity),
    ("item:Body", Property::Body),
    ("item:Importance", Property::Importance),
    ("item:IsDraft", Property::IsDraft),
    ("item:HasAttachments", Property::HasAttachments),
    ("item:Culture", Property::Culture),
    ("calendar:UID", Property::Uid),
    ("calendar:RecurrenceId", Property::RecurrenceId),
    ("calendar:Start", Property::Start),
    ("calendar:End", Property::End),
    ("calendar:OriginalStart", Property::OriginalStart),
    ("calendar:IsAllDayEvent", Property::IsAllDayEvent),
    ("calendar:LegacyFreeBusyStatus", Property::LegacyFreeBusyStatus),
    ("calendar:Location", Property::Location),
    ("calendar:IsMeeting", Property::IsMeeting),
    ("calendar:IsCancelled", Property::IsCancelled),
    ("calendar:IsRecurring", Property::IsRecurring),
    ("calendar:IsResponseRequested", Property::IsResponseRequested),
    ("calendar:CalendarItemType", Property::CalendarItemType),
    ("calendar:MyResponseType", Property::MyResponseType),
    ("calendar:Organizer", Property::Organizer),
    ("calendar:Duration", Property::Duration),
    ("calendar:TimeZone", Property::TimeZone),
    ("calendar:AppointmentSequenceNumber", Property::AppointmentSequenceNumber),
    ("calendar:AppointmentState", Property::AppointmentState),
    ("calendar:Recurrence", Property::Recurrence),
    ("calendar:FirstOccurrence", Property::FirstOccurrence),
    ("calendar:ModifiedOccurrences", Property::ModifiedOccurrences),
    ("calendar:DeletedOccurrences", Property::DeletedOccurrences),
    ("calendar:StartTimeZone", Property::StartTimeZone),
    ("calendar:EndTimeZone", Property::EndTimeZone),
];

/// What the base shape `Default` holds of a calendar item.
const DEFAULT: [Property; 10] = [
    Property::Subject,
    Property::Sensitivity,
    Property::HasAttachments,
    Property::Start,
    Property::End,
    Property::LegacyFreeBusyStatus,
    Property::Location,
    Property::IsRecurring,
    Property::CalendarItemType,
    Property::Organizer,
];

/// What a master brings along unasked where series come unexpanded.
const OF_MASTERS: [Property; 3] = [Property::Recurrence, Property::ModifiedOccurrences, Property::DeletedOccurrences];

impl Shape {
    pub(super) fn parse(request: &Request<'_>, shape: &Element) -> Result<Shape, Refusal> {
        let mut wanted = match super::required(shape, Ns::Types, "BaseShape")?.text() {
            "IdOnly" => Vec::new(),
            "Default" => DEFAULT.to_vec(),
            "AllProperties" => ALL.iter().map(|(_, property)| *property).collect(),
            other => return Err(super::schema(format!("'{other}' is no base shape"))),
        };
        let further = shape.types(&["AdditionalProperties"]).map_or(&[][..], |further| &further.children);
        for field in further.iter().filter(|field| field.is(Ns::Types, "FieldURI")) {
            let uri = super::required_attribute(field, "FieldURI")?;
            if !uri.split_once(':').is_some_and(|(class, name)| is_class(class) && !name.is_empty()) {
                return Err(super::schema(format!("'{uri}' is no property")));
            }
            // A property that the simulator does not have is absent, as any optional one may be.
            wanted.extend(ALL.iter().find(|(known, _)| *known == uri).map(|(_, property)| *property));
        }
        if request.manner.masters {
            wanted.extend(OF_MASTERS);
        }
        if request.manner.invalid_subject {
            wanted.push(Property::Subject);
        }
        wanted.sort_unstable();
        wanted.dedup();
        Ok(Shape { wanted })
    }
}

fn is_class(class: &str) -> bool {
    const CLASSES: [&str; 10] = [
        "folder",
        "item",
        "message",
        "meeting",
        "meetingRequest",
        "calendar",
        "task",
        "contacts",
        "distributionlist",
        "conversation",
    ];
    CLASSES.contains(&class)
}

/// Appends the item.
pub(super) fn write(out: &mut String, request: &Request<'_>, shape: &Shape, folder: Folder, occurrence: &Occurrence) {
    out.push_str("<t:CalendarItem>");
    item_id::write(out, request, folder, occurrence);
    for property in &shape.wanted {
        write_property(out, request, folder, occurrence, *property);
    }
    out.push_str("</t:CalendarItem>");
}

fn write_property(
    out: &mut String,
    request: &Request<'_>,
    folder: Folder,
    occurrence: &Occurrence,
    property: Property,
) {
    let entry = &occurrence.entry;
    let of_series = matches!(occurrence.kind, Kind::Occurrence | Kind::Exception);
    let item = &request.world.calendar(folder.mailbox).items()[occurrence.item];
    let series = item.series.as_ref().filter(|_| occurrence.kind == Kind::Master);
    match property {
        Property::LegacyFreeBusyStatus | Property::StartTimeZone | Property::EndTimeZone
            if request.manner.missing_optional => {}
        Property::IsAllDayEvent if request.leaves_out_false() && !occurrence.all_day => {}
        Property::IsCancelled if request.leaves_out_false() && !entry.cancelled => {}
        Property::ParentFolderId => {
            push!(out, r#"<t:ParentFolderId Id="{}" ChangeKey="AgAAABYAAAA="/>"#, folder.id(request));
        }
        Property::ItemClass => {
            let class = if of_series { "IPM.Appointment.Occurrence" } else { "IPM.Appointment" };
            push!(out, "<t:ItemClass>{class}</t:ItemClass>");
        }
        Property::Subject if request.manner.invalid_subject => {
            push!(out, "<t:Subject>{INVALID_BYTE}{}</t:Subject>", Escaped(&entry.subject));
        }
        Property::Subject if entry.subject.is_empty() => {}
        Property::Subject => push!(out, "<t:Subject>{}</t:Subject>", Escaped(&entry.subject)),
        Property::Sensitivity => {
            push!(out, "<t:Sensitivity>{}</t:Sensitivity>", if entry.private { "Private" } else { "Normal" });
        }
        Property::Body => out.push_str(r#"<t:Body BodyType="Text"></t:Body>"#),
        Property::Importance => out.push_str("<t:Importance>Normal</t:Importance>"),
        Property::IsDraft => out.push_str("<t:IsDraft>false</t:IsDraft>"),
        Property::HasAttachments => out.push_str("<t:HasAttachments>false</t:HasAttachments>"),
        Property::Culture => out.push_str("<t:Culture>de-DE</t:Culture>"),
        Property::Uid => {
            push!(out, "<t:UID>{}</t:UID>", Escaped(&item.uid));
        }
        Property::RecurrenceId if of_series => {
            push!(out, "<t:RecurrenceId>{}</t:RecurrenceId>", request.time(occurrence.original));
        }
        Property::OriginalStart if of_series => {
            push!(out, "<t:OriginalStart>{}</t:OriginalStart>", request.time(occurrence.original));
        }
        Property::RecurrenceId | Property::OriginalStart => {}
        Property::Start => push!(out, "<t:Start>{}</t:Start>", request.time(occurrence.start)),
        Property::End => push!(out, "<t:End>{}</t:End>", request.time(occurrence.end)),
        Property::IsAllDayEvent => {
            push!(out, "<t:IsAllDayEvent>{}</t:IsAllDayEvent>", request.boolean(occurrence.all_day))
        }
        Property::LegacyFreeBusyStatus => {
            push!(out, "<t:LegacyFreeBusyStatus>{}</t:LegacyFreeBusyStatus>", entry.status.wire());
        }
        Property::Location => {
            if let Some(location) = &entry.location {
                push!(out, "<t:Location>{}</t:Location>", Escaped(location));
            }
        }
        Property::IsMeeting => push!(out, "<t:IsMeeting>{}</t:IsMeeting>", request.boolean(entry.meeting)),
        Property::IsCancelled => push!(out, "<t:IsCancelled>{}</t:IsCancelled>", request.boolean(entry.cancelled)),
        Property::IsRecurring => push!(out, "<t:IsRecurring>{}</t:IsRecurring>", request.boolean(of_series)),
        Property::IsResponseRequested => {
            push!(out, "<t:IsResponseRequested>{}</t:IsResponseRequested>", request.boolean(entry.meeting));
        }
        Property::CalendarItemType => {
            let kind = match occurrence.kind {
                Kind::Single => "Single",
                Kind::Occurrence => "Occurrence",
                Kind::Exception => "Exception",
                Kind::Master => "RecurringMaster",
            };
            push!(out, "<t:CalendarItemType>{kind}</t:CalendarItemType>");
        }
        Property::MyResponseType => out.push_str("<t:MyResponseType>Organizer</t:MyResponseType>"),
        Property::Organizer => {
            let address = Escaped(&request.world.mailbox(folder.mailbox).address);
            push!(out, "<t:Organizer><t:Mailbox><t:Name>{address}</t:Name><t:EmailAddress>{address}</t:EmailAddress>");
            out.push_str("<t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Organizer>");
        }
        Property::Duration => {
            let minutes = (occurrence.end - occurrence.start).num_minutes();
            push!(out, "<t:Duration>PT{}H{}M</t:Duration>", minutes / 60, minutes % 60);
        }
        Property::TimeZone => {
            push!(out, "<t:TimeZone>{}</t:TimeZone>", Escaped(zones::windows_name(occurrence.zone).1));
        }
        Property::AppointmentSequenceNumber => {
            out.push_str("<t:AppointmentSequenceNumber>0</t:AppointmentSequenceNumber>");
        }
        Property::AppointmentState => {
            let state = u8::from(entry.meeting) | (u8::from(entry.cancelled) << 2);
            push!(out, "<t:AppointmentState>{state}</t:AppointmentState>");
        }
        Property::Recurrence => series.into_iter().for_each(|series| recurrence::write(out, series)),
        Property::FirstOccurrence => {
            if let Some(first) = series.and_then(|series| series.first_occurrence(occurrence)) {
                out.push_str("<t:FirstOccurrence>");
                item_id::write(out, request, folder, &first);
                push!(out, "<t:Start>{}</t:Start>", request.time(first.start));
                push!(out, "<t:End>{}</t:End>", request.time(first.end));
                push!(out, "<t:OriginalStart>{}</t:OriginalStart></t:FirstOccurrence>", request.time(first.original));
            }
        }
        Property::ModifiedOccurrences => {
            if let Some(series) = series {
                recurrence::write_modified(out, request, folder, &series.exceptions().0);
            }
        }
        Property::DeletedOccurrences => {
            series.into_iter().for_each(|series| recurrence::write_deleted(out, request, series));
        }
        Property::StartTimeZone => write_zone(out, "StartTimeZone", occurrence),
        Property::EndTimeZone => write_zone(out, "EndTimeZone", occurrence),
    }
}

fn write_zone(out: &mut String, element: &str, occurrence: &Occurrence) {
    let (id, name) = zones::windows_name(occurrence.zone);
    let (id, name) = match &occurrence.entry.zone_name {
        Some(own) => (own.as_str(), own.as_str()),
        None => (id, name),
    };
    push!(out, r#"<t:{element} Id="{}" Name="{}"/>"#, Escaped(id), Escaped(name));
}
