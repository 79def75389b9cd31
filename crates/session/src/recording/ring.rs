//! Between the talk and the recorder's thread: ten seconds of frames and their words, in memory that is there already.

use moshibar_audio::{AudioError, FRAME_SAMPLES, Frame};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::recording::tape::Tape;
use crate::transcript::Speaker;

/// How far the disk may be behind: ten seconds, 1 MB.
const BACKLOG_FRAMES: usize = 125;
/// Moshi says about four pieces a second, so this is never what fills up first.
const BACKLOG_PIECES: usize = 1_024;
/// Bytes of text in one piece. The longest of Moshi's vocabulary has 48; longer ones are cut in two, which no word notices.
const PIECE_BYTES: usize = 54;

/// One frame as it goes to the disk.
pub(super) struct RecordedFrame {
    /// Frames of silence before it.
    pub(super) gap_frames: u64,
    /// `[user, Moshi]` of every moment.
    pub(super) moments: [[i16; 2]; FRAME_SAMPLES],
    pub(super) clipped_samples: u64,
}

impl RecordedFrame {
    fn new(gap_frames: u64, user: &Frame, moshi: &Frame) -> Self {
        let mut frame = Self { gap_frames, moments: [[0; 2]; FRAME_SAMPLES], clipped_samples: 0 };
        for (moment, (user, moshi)) in frame.moments.iter_mut().zip(user.iter().zip(moshi)) {
            for (value, sample) in moment.iter_mut().zip([user, moshi]) {
                frame.clipped_samples += u64::from(!(-1.0..=1.0).contains(sample));
                // 32,768 as in moshibar-audio's reader and writer. The cast saturates, and makes NaN 0.
                *value = (sample * 32_768.0).round() as i16;
            }
        }
        frame
    }
}

/// A piece of a word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) speaker: Speaker,
    pub(super) frame: u64,
    length: u8,
    bytes: [u8; PIECE_BYTES],
}

impl Piece {
    pub(super) fn text(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Cuts text where a letter ends, so that no part is longer than a [`Piece`].
fn cut(speaker: Speaker, frame: u64, mut text: &str) -> impl Iterator<Item = Piece> {
    std::iter::from_fn(move || {
        let (part, rest) = text.split_at_checked(text.floor_char_boundary(PIECE_BYTES))?;
        text = rest;
        let mut piece = Piece { speaker, frame, length: part.len() as u8, bytes: [0; PIECE_BYTES] };
        piece.bytes.get_mut(..part.len())?.copy_from_slice(part.as_bytes());
        (!part.is_empty()).then_some(piece)
    })
}

/// The talk's end.
pub(super) struct RingEnd {
    frames: Producer<RecordedFrame>,
    pieces: Producer<Piece>,
}

impl RingEnd {
    /// Whether there was room. Never blocks or allocates.
    pub(super) fn push_frame(&mut self, gap_frames: u64, user: &Frame, moshi: &Frame) -> bool {
        let Ok(slot) = self.frames.write_chunk_uninit(1) else { return false };
        slot.fill_from_iter(std::iter::once_with(|| RecordedFrame::new(gap_frames, user, moshi))) == 1
    }

    /// As [`push_frame`](Self::push_frame).
    pub(super) fn push_piece(&mut self, speaker: Speaker, frame: u64, text: &str) -> bool {
        cut(speaker, frame, text).all(|piece| self.pieces.push(piece).is_ok())
    }
}

/// The recorder's end.
pub(super) struct Backlog {
    frames: Consumer<RecordedFrame>,
    pieces: Consumer<Piece>,
}

impl Backlog {
    /// Writes all that has come so far.
    pub(super) fn write_to(&mut self, tape: &mut impl Tape) -> Result<(), AudioError> {
        // Words first: they are small, and still fit where sound does not.
        while let Ok(piece) = self.pieces.pop() {
            tape.hear(&piece);
        }
        for _ in 0..self.frames.slots() {
            let Ok(frame) = self.frames.pop() else { break };
            tape.write(&frame)?;
        }
        tape.save()
    }
}

/// Makes a pair of connected ends.
pub(super) fn ring() -> (RingEnd, Backlog) {
    let (frames_in, frames_out) = RingBuffer::new(BACKLOG_FRAMES);
    let (pieces_in, pieces_out) = RingBuffer::new(BACKLOG_PIECES);
    (RingEnd { frames: frames_in, pieces: pieces_in }, Backlog { frames: frames_out, pieces: pieces_out })
}
