//! Keys and values of the last `capacity` steps of one attention layer: a ring, allocated once and never grown.
//!
//! Attention does not care for the order of keys (their positions are turned into them), so the ring is read as it lies.
//! MLX writes it in place as long as nothing else refers to it: handles are replaced, never cloned, between frames.

use mlx_rs::error::Exception;
use mlx_rs::ops::zeros_dtype;
use mlx_rs::{Array, Dtype};

use crate::ffi;

/// The ring of one layer.
#[derive(Debug)]
pub(crate) struct KvRing {
    /// **Shapes** `[1, 2H, capacity, D]`: keys of all heads, then values of all heads.
    pairs: Array,
    heads: i32,
}

/// How much of a ring is filled; the same for all layers of a transformer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RingCursor {
    capacity: usize,
    written: u64,
}

impl RingCursor {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, written: 0 }
    }

    /// Position of the next step, from the start of the talk.
    pub(crate) fn position(self) -> u64 {
        self.written
    }

    pub(crate) fn advance(&mut self, steps: usize) {
        self.written += steps as u64;
    }

    /// Slots that hold a step once `steps` more are written.
    fn filled(self, steps: usize) -> usize {
        usize::try_from(self.written + steps as u64).map_or(self.capacity, |written| written.min(self.capacity))
    }

    /// The slot of the step at `position`.
    fn slot(self, position: u64) -> usize {
        (position % self.capacity as u64) as usize
    }

    /// Which slots each of the next `steps` steps may see: its own and older ones. `None` where that is all of them.
    ///
    /// When the ring is full, the earlier steps of a frame see a few slots fewer than `capacity`, because the later ones have
    /// taken the oldest slots already: exactly as in PyTorch's streaming `RingKVCache`.
    ///
    /// **Shapes** bool `[steps, filled]`.
    pub(crate) fn mask(self, steps: usize) -> Option<Array> {
        if steps <= 1 {
            return None;
        }
        let filled = self.filled(steps);
        let mut visible = vec![true; steps * filled];
        for (step, row) in visible.chunks_mut(filled).enumerate() {
            for later in step + 1..steps {
                if let Some(seen) = row.get_mut(self.slot(self.written + later as u64)) {
                    *seen = false;
                }
            }
        }
        Some(Array::from_slice(&visible, &[steps as i32, filled as i32]))
    }
}

/// Which rows of a ring to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Keys,
    Values,
    Both,
}

impl KvRing {
    /// An empty ring of `heads` heads of `head_dim` channels.
    pub(crate) fn new(heads: usize, head_dim: usize, capacity: usize, dtype: Dtype) -> Result<Self, Exception> {
        let shape = [1, 2 * heads as i32, capacity as i32, head_dim as i32];
        Ok(Self { pairs: zeros_dtype(&shape, dtype)?, heads: heads as i32 })
    }

    /// Bytes of keys and values.
    pub(crate) fn size_bytes(&self) -> usize {
        self.pairs.nbytes()
    }

    /// The array itself, to be allocated before the first frame.
    pub(crate) fn array(&self) -> &Array {
        &self.pairs
    }

    /// Writes the next steps.
    ///
    /// **Shapes** `update`: `[1, H, T, D]`, or `[1, 2H, T, D]` for both.
    pub(crate) fn write(&mut self, cursor: RingCursor, rows: Rows, update: &Array) -> Result<(), Exception> {
        let [_, _, steps, head_dim] = shape4(update);
        let (first, last) = match rows {
            Rows::Keys => (0, self.heads),
            Rows::Values => (self.heads, 2 * self.heads),
            Rows::Both => (0, 2 * self.heads),
        };
        let start = cursor.slot(cursor.written) as i32;
        let until_end = (cursor.capacity as i32 - start).min(steps);
        let mut write = |from: i32, to: i32, slot: i32| -> Result<(), Exception> {
            let part = if to - from == steps {
                update.clone()
            } else {
                ffi::slice(update, [0, 0, from, 0], [1, last - first, to, head_dim])?
            };
            let stop = [1, last, slot + to - from, head_dim];
            self.pairs = ffi::slice_update(&self.pairs, &part, [0, first, slot, 0], stop)?;
            Ok(())
        };
        write(0, until_end, start)?;
        if until_end < steps {
            write(until_end, steps, 0)?;
        }
        Ok(())
    }

    /// Keys and values of all steps in sight, the `steps` just written included.
    ///
    /// **Shapes** Returns two of `[1, H, filled, D]`.
    pub(crate) fn read(&self, cursor: RingCursor, steps: usize) -> Result<[Array; 2], Exception> {
        let filled = cursor.filled(steps);
        if filled == cursor.capacity {
            return ffi::split(&self.pairs, self.heads, 1);
        }
        let [_, rows, _, head_dim] = shape4(&self.pairs);
        ffi::split(&ffi::slice(&self.pairs, [0; 4], [1, rows, filled as i32, head_dim])?, self.heads, 1)
    }
}

/// The shape of an array of four axes.
fn shape4(array: &Array) -> [i32; 4] {
    <[i32; 4]>::try_from(array.shape()).unwrap_or_default()
}
