//! What is booked: appointment templates.

use std::time::Duration;

use optigov_calendar::Text;
use optigov_slots::Lead;
use serde::Serialize;

use crate::{
    fault::{Code, Fault},
    text::{
        forms::{deserialize_by_reading, is_default, number, table, words},
        reader::Reader,
    },
    values::{LeadText, Line, Span, TemplateId, span_within_a_day},
};

/// What is booked (*Terminvorlage*): one of the kinds of appointment that a service offers, told apart by its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AppointmentTemplate {
    /// Names the template within the municipality.
    id: TemplateId,
    /// What people read.
    label: Line,
    /// The service that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Line>,
    /// The length for one concern; several take as many times as long.
    length: Span,
    /// The greatest number of concerns in one appointment, 1 to 50. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_concerns: Option<Concerns>,
    /// Where it takes place: "on_site" (default) or "online".
    #[serde(default, skip_serializing_if = "is_default")]
    mode: Mode,
    /// The lead time for this template, instead of the counter's.
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_time: Option<LeadText>,
    /// Free time kept before it, instead of the counter's.
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_before: Option<Span>,
    /// Free time kept after it, instead of the counter's.
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_after: Option<Span>,
}

impl AppointmentTemplate {
    /// The id, unique within the municipality.
    pub fn id(&self) -> &TemplateId {
        &self.id
    }

    /// What people read.
    pub fn label(&self) -> &str {
        self.label.as_str()
    }

    /// The service that it belongs to.
    pub fn service(&self) -> Option<&str> {
        self.service.as_ref().map(Line::as_str)
    }

    /// The length for one concern, one second to 24 hours; several concerns take as many times as long.
    pub fn length(&self) -> Duration {
        self.length.duration()
    }

    /// The greatest number of concerns in one appointment, 1 to 50. Default: 1.
    pub fn max_concerns(&self) -> u32 {
        self.max_concerns.map_or(1, |concerns| concerns.0)
    }

    /// Where it takes place. Default: on site.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The lead time that stands for the counter's, if there is one.
    pub fn lead_time(&self) -> Option<Lead> {
        self.lead_time.map(|lead| lead.0)
    }

    /// The buffer before that stands for the counter's, if there is one.
    pub fn buffer_before(&self) -> Option<Duration> {
        self.buffer_before.map(Span::duration)
    }

    /// The buffer after that stands for the counter's, if there is one.
    pub fn buffer_after(&self) -> Option<Duration> {
        self.buffer_after.map(Span::duration)
    }
}

table!(AppointmentTemplate {
    id: required, label: required, service: optional, length: required, max_concerns: optional, mode: or_default,
    lead_time: optional, buffer_before: optional, buffer_after: optional,
} checked);

deserialize_by_reading!(AppointmentTemplate);

words! {
    /// Where an appointment takes place.
    #[derive(Default)]
    #[non_exhaustive]
    pub enum Mode {
        /// At the counter.
        #[default]
        OnSite = "on_site",
        /// By video.
        Online = "online",
    }
}

number!(Concerns, 1..=50);

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

fn checked(template: AppointmentTemplate, reader: &mut Reader) -> Option<AppointmentTemplate> {
    span_within_a_day("length", Some(template.length), 1, reader);
    span_within_a_day("buffer_before", template.buffer_before, 0, reader);
    span_within_a_day("buffer_after", template.buffer_after, 0, reader);
    let longest = u64::from(template.length.seconds()) * u64::from(template.max_concerns());
    if longest > DAY && u64::from(template.length.seconds()) <= DAY {
        let fault = Fault::new(
            Code::OutOfRange,
            Text::new(
                "So viele Anliegen dauern zusammen länger als 24 Stunden.",
                "So many concerns take more than 24 hours together.",
            ),
            Text::new(
                "Bitte weniger Anliegen oder eine kürzere Dauer wählen.",
                "Allow fewer concerns or a shorter length.",
            ),
        );
        reader.below("max_concerns", |reader| reader.fault(fault));
    }
    Some(template)
}
