//! The appointment templates of a municipality.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::{template::AppointmentTemplate, values::TemplateId};

/// Templates in the order of the text, found by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Templates {
    list: Vec<AppointmentTemplate>,
    places: BTreeMap<TemplateId, usize>,
}

impl Templates {
    pub(crate) fn list(&self) -> &[AppointmentTemplate] {
        &self.list
    }

    pub(crate) fn get(&self, id: &str) -> Option<&AppointmentTemplate> {
        self.places.get(id).and_then(|place| self.list.get(*place))
    }
}

impl From<Vec<AppointmentTemplate>> for Templates {
    fn from(list: Vec<AppointmentTemplate>) -> Templates {
        let places = list.iter().enumerate().map(|(place, template)| (template.id().clone(), place)).collect();
        Templates { list, places }
    }
}

impl PartialEq for Templates {
    fn eq(&self, other: &Templates) -> bool {
        self.list == other.list
    }
}

impl Serialize for Templates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

impl JsonSchema for Templates {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Templates".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<AppointmentTemplate>::json_schema(generator)
    }
}
