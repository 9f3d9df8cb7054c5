//! Reads calendars over Exchange Web Services with impersonation, and never writes.
