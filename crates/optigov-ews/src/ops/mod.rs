//! One file per operation: its request and how its answer is read. None of them changes a mailbox.

pub(crate) mod find_item;
pub(crate) mod get_folder;
pub(crate) mod get_user_availability;
