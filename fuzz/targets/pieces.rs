//! Any bytes as a SentencePiece model: refused, or of pieces that lie in them, in order.

#![no_main]

#[path = "../../crates/model/src/moshi/sentencepiece.rs"]
mod sentencepiece;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let pieces = match sentencepiece::pieces(bytes) {
        Ok(pieces) => pieces,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return;
        }
    };
    let mut rest = bytes.as_ptr_range().start;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        let place = piece.as_bytes().as_ptr_range();
        assert!(rest <= place.start && place.end <= bytes.as_ptr_range().end, "a piece lies elsewhere");
        rest = place.end;
    }
    // Every piece took at least its key and its length.
    assert!(2 * pieces.len() <= bytes.len());
});
