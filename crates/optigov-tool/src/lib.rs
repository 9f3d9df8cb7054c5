//! What programs for administrators share: the table of free slots, points in time as people write them, and texts that fit a terminal.
//!
//! The tool itself is the binary `optigov`; its commands are described in this crate's README and by `optigov --help`. The examples of the workspace print the same
//! tables with these functions.
//!
//! ```
//! use optigov_tool::{Moment, wrapped};
//!
//! let moment: Moment = "2026-11-23 08:00".parse()?;
//! let berlin = chrono_tz::Europe::Berlin;
//! assert_eq!(moment.in_zone(berlin)?.to_rfc3339(), "2026-11-23T07:00:00+00:00");
//! assert_eq!(wrapped("3. Encryption: passed (TLS 1.3)", 24), "3. Encryption: passed\n   (TLS 1.3)\n");
//! # Ok::<(), optigov_tool::NoMoment>(())
//! ```
//!
//! # What it refuses to do
//!
//! It takes no password as an argument, writes nothing to Exchange and prints no title.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `ntlm` | yes | NTLM and Negotiate |
//! | `kerberos` | yes | Kerberos |

mod moment;
mod table;
mod terminal;

pub use moment::{Moment, NoMoment};
pub use table::{counted, slots_by_day_and_counter};
pub use terminal::{terminal_width, wrapped};
