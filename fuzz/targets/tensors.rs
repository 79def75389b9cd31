//! Any bytes as the header of a safetensors file: refused in words, or of tensors that fit and add up.
//!
//! The input is the header alone. The file's size is what its offsets claim, read here without the product's code: left to
//! chance, hardly any input would be accepted.

#![no_main]
#![allow(dead_code)] // The product's files are larger than what is called here.

#[path = "../../crates/model/src/error.rs"]
mod error;
#[path = "../../crates/model/src/header.rs"]
mod header;
mod tokens;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;

use header::Header;

/// Begin and end of a tensor's bytes; serde also reads a struct from an array of its fields.
fn offsets(tensor: &Value) -> Option<(u64, u64)> {
    let pair = tensor.get("data_offsets").or_else(|| tensor.get(2))?;
    Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?))
}

fuzz_target!(|bytes: &[u8]| {
    let json: Option<Value> = serde_json::from_slice(bytes).ok();
    let entries = json.as_ref().and_then(Value::as_object);
    let tensors = || entries.into_iter().flatten().filter(|(name, _)| *name != "__metadata__");
    let data_bytes = tensors().filter_map(|(_, tensor)| offsets(tensor)).map(|(_, end)| end).max().unwrap_or(0);
    let Some(file_bytes) = data_bytes.checked_add(8 + bytes.len() as u64) else {
        // No file is so large; whatever is claimed must be refused.
        assert!(Header::parse(bytes, u64::MAX).is_err(), "accepted {data_bytes} bytes of data");
        return;
    };
    for other in [file_bytes - 1, file_bytes + 1] {
        assert!(Header::parse(bytes, other).is_err(), "accepted a file of {other} bytes instead of {file_bytes}");
    }
    let header = match Header::parse(bytes, file_bytes) {
        Ok(header) => header,
        Err(refusal) => {
            assert!(!refusal.is_empty());
            return;
        }
    };

    assert_eq!(header.data_bytes(), data_bytes);
    let accepted: Vec<_> = header.tensors().collect();
    assert!(!accepted.is_empty(), "accepted a file without tensors");
    assert_eq!(accepted.len(), tensors().count(), "a tensor was forgotten");
    let mut places = Vec::with_capacity(accepted.len());
    for (name, dtype, shape) in accepted {
        assert_eq!(header.tensor(name), Some((dtype, shape)));
        let (begin, end) =
            entries.and_then(|entries| offsets(entries.get(name)?)).expect("an accepted tensor has a place");
        assert!(begin <= end && end <= data_bytes, "'{name}' lies at {begin}..{end} of {data_bytes}");
        assert!(shape.iter().all(|size| i32::try_from(*size).is_ok()), "'{name}' has shape {shape:?}");
        let product = |bits: u128, size: &usize| bits.checked_mul(*size as u128);
        // Zero first: what comes before it may be as large as it likes.
        let bits = if shape.contains(&0) { Some(0) } else { shape.iter().try_fold(dtype.bitsize() as u128, product) };
        assert_eq!(bits, Some(u128::from(end - begin) * 8), "'{name}': {dtype:?} {shape:?} at {begin}..{end}");
        places.push((begin, end));
    }
    places.sort_unstable();
    let filled = places.into_iter().fold(0, |filled, (begin, end)| {
        assert_eq!(begin, filled, "a gap or an overlap");
        end
    });
    assert_eq!(filled, data_bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tokens::mutate(data, size, max_size, seed)
});
