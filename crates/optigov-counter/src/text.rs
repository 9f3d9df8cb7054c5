//! From a text to a tree of values, and from the tree to the model with every fault and its place.

pub(crate) mod encoding;
pub(crate) mod forms;
pub(crate) mod json;
pub(crate) mod place;
pub(crate) mod reader;
pub(crate) mod sharing;
pub(crate) mod syntax;
pub(crate) mod toml;
pub(crate) mod value;
