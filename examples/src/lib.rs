//! The demo municipality *Musterstadt* and what the examples share.
