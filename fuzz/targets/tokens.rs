//! Mutations that know numbers and strings: bytes alone seldom turn good JSON into other good JSON.

use std::ops::Range;

/// Where sizes overflow, or are refused.
const EDGES: [&str; 8] =
    ["0", "1", "65537", "2147483648", "4611686018427387904", "9223372036854775807", "18446744073709551615", "1e39"];

/// The numbers and quoted strings of a text; escapes are not understood, which is good enough here.
fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        let rest = &text[at + 1..];
        let length = match byte {
            b'"' => rest.iter().position(|byte| *byte == b'"').map_or(1, |end| end + 2),
            b'0'..=b'9' => 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
            _ => 0,
        };
        if length > 0 {
            tokens.push(at..at + length);
        }
        at += length.max(1);
    }
    tokens
}

/// Every other time replaces one token, by an edge or by another token; else leaves the work to libFuzzer.
pub(crate) fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let tokens = tokens(&data[..size]);
    if seed.is_multiple_of(2) || tokens.is_empty() {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let (seed, old) = ((seed / 2) as usize, tokens[(seed / 2) as usize % tokens.len()].clone());
    let choice = seed / tokens.len();
    let number = data[old.start] != b'"';
    let new = if number && !choice.is_multiple_of(4) {
        EDGES[choice / 4 % EDGES.len()].as_bytes().to_vec()
    } else {
        data[tokens[choice / 4 % tokens.len()].clone()].to_vec()
    };
    let mutated = [&data[..old.start], &new, &data[old.end..size]].concat();
    let size = mutated.len().min(max_size);
    data[..size].copy_from_slice(&mutated[..size]);
    size
}
