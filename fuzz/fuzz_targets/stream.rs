//! However an answer that stays open is cut into pieces, the same envelopes come out of it, or the same kind of error; and nothing panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optigov_ews::wire;

fuzz_target!(|input: &[u8]| {
    // The first byte says how long the pieces are.
    let Some((&length, stream)) = input.split_first() else { return };
    let whole = wire::stream([stream]).map_err(|error| error.kind());
    let pieces = wire::stream(stream.chunks(usize::from(length).max(1))).map_err(|error| error.kind());
    assert_eq!(whole, pieces);
    if let Ok(envelopes) = whole {
        // No envelope is shorter than its element.
        assert!(envelopes.len() * 12 <= stream.len());
    }
});
