//! Where a secret is.

use std::{fmt, path::PathBuf};

use optigov_calendar::Text;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::settings::{EnvironmentName, FilePath};
use crate::{
    fault::{Code, Fault},
    text::{
        reader::{Read, Reader, inline_secret},
        value::Value,
    },
};

/// Where a secret is. The secret itself is never part of a configuration. `Debug` shows no path.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretReference {
    /// In the environment variable of this name.
    Environment(String),
    /// In this file. What ends its last line is no part of the secret.
    File(PathBuf),
    /// The service hands it in.
    Provided,
}

impl fmt::Debug for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretReference::Environment(name) => f.debug_tuple("Environment").field(name).finish(),
            SecretReference::File(_) => f.write_str("File(..)"),
            SecretReference::Provided => f.write_str("Provided"),
        }
    }
}

impl Read for SecretReference {
    fn read(value: &Value<'_>, reader: &mut Reader) -> Option<Self> {
        match value {
            Value::Text("provided") => Some(SecretReference::Provided),
            Value::Table(_) => {
                let [env, file] = reader.table(value, &["env", "file"])?;
                let env: Option<Option<EnvironmentName>> = reader.optional("env", env);
                let file: Option<Option<FilePath>> = reader.optional("file", file);
                match (env?, file?) {
                    (Some(name), None) => Some(SecretReference::Environment(name.0)),
                    (None, Some(path)) => Some(SecretReference::File(path.0)),
                    _ => reader.refuse(Fault::new(
                        Code::Conflict,
                        Text::fixed(
                            "Ein Geheimnis steht entweder in einer Umgebungsvariablen oder in einer Datei.",
                            "A secret is either in an environment variable or in a file.",
                        ),
                        Text::fixed(
                            "Bitte genau eines von „env“ und „file“ angeben.",
                            "Give exactly one of \"env\" and \"file\".",
                        ),
                    )),
                }
            }
            // Whatever else stands here may be the secret itself.
            _ => reader.refuse(inline_secret()),
        }
    }
}

impl Serialize for SecretReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            SecretReference::Provided => return serializer.serialize_str("provided"),
            SecretReference::Environment(name) => ("env", name.clone()),
            SecretReference::File(path) => ("file", path.to_string_lossy().into_owned()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

impl schemars::JsonSchema for SecretReference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretReference".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let name = schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" });
        let file = generator.subschema_for::<FilePath>();
        let one = |key: &str, value: schemars::Schema| {
            schemars::json_schema!({
                "type": "object",
                "properties": { key: value },
                "required": [key],
                "additionalProperties": false,
            })
        };
        schemars::json_schema!({
            "description": "Where a secret is; never the secret itself.",
            "oneOf": [{ "const": "provided" }, one("env", name), one("file", file)],
        })
    }
}
