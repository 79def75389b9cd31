//! Answers of unknown length from a server that knows no ranges: nobody knows whether they are the file before their end.

use moshibar_store::StoreError;
use moshibar_test_hub::{ChunkedBody, Fault, Rule};

use crate::rig::{Rig, WEIGHTS, WEIGHTS_BYTES};

fn without_ranges_and_chunked(body: ChunkedBody) -> Rig {
    let rules = [Fault::RangeIgnored, Fault::Chunked(body)].map(|fault| Rule::cdn(fault).path_suffix(WEIGHTS));
    Rig::new(rules.to_vec())
}

#[test]
fn a_file_that_is_always_too_short_is_not_fetched_for_ever() {
    let rig = without_ranges_and_chunked(ChunkedBody::Short { bytes: 1_000 });
    let error = rig.pull().unwrap_err();
    assert!(matches!(error, StoreError::UnexpectedAnswer { .. }), "{error}");
    let sent_bytes = rig.hub.counters().body_bytes;
    assert!(sent_bytes < 6 * WEIGHTS_BYTES, "{sent_bytes} bytes: each of five tries fetches the file once");
    rig.assert_nothing_wrong();
}

#[test]
fn a_file_of_unknown_length_is_taken_when_it_is_right() {
    let rig = without_ranges_and_chunked(ChunkedBody::Honest);
    rig.assert_right(&rig.pull().unwrap());
}
