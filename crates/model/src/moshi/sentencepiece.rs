//! The pieces of a SentencePiece model, read from the protobuf message that a `.model` file is.
//!
//! Of `sentencepiece_model.proto` this reads two fields: `ModelProto.pieces` (1, a message,
//! repeated) and `SentencePiece.piece` (1, a string). It steps over all others. No MLX here:
//! `fuzz/` builds this file without it.

/// The number of the field `pieces` in a `ModelProto`, and of `piece` in a `SentencePiece`.
const PIECE: u32 = 1;

/// Why some bytes are not a SentencePiece model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// The bytes end inside a field.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number in it does not end")]
    LongNumber,
    /// No protobuf message may have this field number.
    #[error("a field in it has no valid number")]
    FieldNumber,
    /// The field is coded in a way that SentencePiece never uses.
    #[error("a field in it has the unknown wire type {0}")]
    WireType(u8),
    /// A number stands where a piece should.
    #[error("a piece in it is a number")]
    NotAPiece,
    /// The text of a piece is not UTF-8.
    #[error("a piece in it is not UTF-8")]
    NotText,
}

/// Reads the text of every piece, in the order of their token numbers. A piece without text is
/// empty.
///
/// # Errors
/// [`Malformed`], if the bytes are not a protobuf message or its pieces are not text. A file that
/// was cut between two fields cannot be told from a whole one: it has fewer pieces, or none.
pub(crate) fn pieces(model: &[u8]) -> Result<Vec<&str>, Malformed> {
    let mut pieces = Vec::new();
    for field in Fields(model) {
        let Field { number, bytes } = field?;
        if number == PIECE {
            pieces.push(text(bytes.ok_or(Malformed::NotAPiece)?)?);
        }
    }
    Ok(pieces)
}

/// The text of one piece. As everywhere in protobuf, the last of several fields of one number
/// counts.
fn text(piece: &[u8]) -> Result<&str, Malformed> {
    let mut text = "";
    for field in Fields(piece) {
        let Field { number, bytes } = field?;
        if number == PIECE {
            text = std::str::from_utf8(bytes.ok_or(Malformed::NotAPiece)?).map_err(|_| Malformed::NotText)?;
        }
    }
    Ok(text)
}

/// One field of a message. `bytes` is what it holds if it is a string or a message, `None` if it is
/// a number.
struct Field<'a> {
    number: u32,
    bytes: Option<&'a [u8]>,
}

/// What is left of a message, as an iterator over its fields. It ends after the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    /// Takes a field: its key, which holds the number and the wire type, and its value.
    fn field(&mut self) -> Result<Field<'a>, Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed::FieldNumber)?;
        let number = key >> 3;
        if number == 0 {
            return Err(Malformed::FieldNumber);
        }
        let bytes = match key & 7 {
            0 => self.varint().map(|_| None)?,
            1 => self.take(8).map(|_| None)?,
            2 => {
                // A length beyond what can be addressed is beyond the end of the message, too.
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Some(self.take(length)?)
            }
            5 => self.take(4).map(|_| None)?,
            other => return Err(Malformed::WireType(other as u8)),
        };
        Ok(Field { number, bytes })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes a number: seven bits a byte, the lowest first; the highest bit says that another byte
    /// follows.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(Malformed::Truncated)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if bits << shift >> shift != bits {
                return Err(Malformed::LongNumber);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::LongNumber)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn real() -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/spm-tiny/tokenizer_spm_tiny.model");
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_file_that_was_cut_is_refused_or_has_the_pieces_before_the_cut() {
        let whole = real();
        let all = pieces(&whole).unwrap();
        assert_eq!(all.len(), 340);
        let mut refused = 0;
        for length in 0..whole.len() {
            match pieces(&whole[..length]) {
                Ok(some) => assert_eq!(some, all[..some.len()], "{length} bytes"),
                Err(error) => {
                    assert_eq!(error, Malformed::Truncated, "{length} bytes");
                    refused += 1;
                }
            }
        }
        // A cut between two fields is valid: one after each piece, and some after the other fields.
        assert!(whole.len() - refused <= all.len() + 10, "only {refused} of {} cuts are refused", whole.len());
    }

    #[test]
    fn no_flipped_bit_makes_the_reader_panic() {
        let whole = real();
        let read = |bytes: &[u8]| pieces(bytes).map(|pieces| pieces.concat().len());
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err() || read(&flipped).unwrap() <= flipped.len(), "bit {bit}");
        }
    }

    #[test]
    fn malformed_messages_are_refused_for_what_is_wrong_with_them() {
        let cases: [(&[u8], Malformed); 12] = [
            (&[0x0a], Malformed::Truncated),
            (&[0x0a, 2, 0x0a], Malformed::Truncated),
            (&[0x0a, 2, 0x0a, 5], Malformed::Truncated),
            (&[0x15, 0, 0, 0], Malformed::Truncated),
            (&[0x11, 0, 0, 0, 0, 0, 0, 0], Malformed::Truncated),
            (&[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Malformed::Truncated),
            (&[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Malformed::LongNumber),
            (&[0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], Malformed::LongNumber),
            (&[0x02, 0], Malformed::FieldNumber),
            (&[0x0b, 0x0c], Malformed::WireType(3)),
            (&[0x08, 1], Malformed::NotAPiece),
            (&[0x0a, 3, 0x0a, 1, 0xff], Malformed::NotText),
        ];
        for (bytes, expected) in cases {
            assert_eq!(pieces(bytes), Err(expected), "{bytes:02x?}");
        }
    }

    #[test]
    fn unknown_fields_are_stepped_over_and_the_last_text_counts() {
        let piece = [0x0a, 1, b'a', 0x15, 0, 0, 0, 0, 0x18, 0x02, 0x0a, 1, b'b'];
        let other = [0x12, 2, 0x0a, 9, 0x19, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut model = other.to_vec();
        model.extend([0x0a, piece.len() as u8]);
        model.extend(piece);
        model.extend([0x0a, 0]);
        assert_eq!(pieces(&model).unwrap(), ["b", ""]);
        assert_eq!(pieces(&[]).unwrap(), [""; 0]);
    }
}
