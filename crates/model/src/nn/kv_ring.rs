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
    /// **Shapes** `[1, H, capacity, D]`.
    keys: Array,
    values: Array,
    cursor: RingCursor,
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

impl KvRing {
    /// An empty ring of `heads` heads of `head_dim` channels.
    pub(crate) fn new(heads: usize, head_dim: usize, capacity: usize, dtype: Dtype) -> Result<Self, Exception> {
        let shape = [1, heads as i32, capacity as i32, head_dim as i32];
        let (keys, values) = (zeros_dtype(&shape, dtype)?, zeros_dtype(&shape, dtype)?);
        Ok(Self { keys, values, cursor: RingCursor::new(capacity) })
    }

    /// Bytes of keys and values.
    pub(crate) fn size_bytes(&self) -> usize {
        self.keys.nbytes() + self.values.nbytes()
    }

    /// The arrays themselves, to be allocated before the first frame.
    pub(crate) fn arrays(&self) -> [&Array; 2] {
        [&self.keys, &self.values]
    }

    /// Forgets all steps. What lies in the slots is overwritten before it is read again.
    pub(crate) fn reset(&mut self) {
        let Self { keys: _, values: _, cursor } = self;
        *cursor = RingCursor::new(cursor.capacity);
    }

    /// Writes the next steps and returns keys and values of all steps in sight.
    ///
    /// **Shapes** `keys`, `values`: `[1, H, T, D]`. Returns two of `[1, H, filled, D]`.
    pub(crate) fn push(&mut self, keys: &Array, values: &Array, steps: usize) -> Result<(Array, Array), Exception> {
        let [_, heads, _, head_dim] = shape4(&self.keys);
        let start = self.cursor.slot(self.cursor.written);
        let until_end = (self.cursor.capacity - start).min(steps);
        for (ring, update) in [(&mut self.keys, keys), (&mut self.values, values)] {
            let mut write = |from: usize, to: usize, slot: usize| -> Result<(), Exception> {
                let part = if to - from == steps {
                    update.clone()
                } else {
                    ffi::slice(update, [0, 0, from as i32, 0], [1, heads, to as i32, head_dim])?
                };
                let stop = slot + to - from;
                *ring = ffi::slice_update(ring, &part, [0, 0, slot as i32, 0], [1, heads, stop as i32, head_dim])?;
                Ok(())
            };
            write(0, until_end, start)?;
            if until_end < steps {
                write(until_end, steps, 0)?;
            }
        }
        let filled = self.cursor.filled(steps);
        self.cursor.advance(steps);
        if filled == self.cursor.capacity {
            return Ok((self.keys.clone(), self.values.clone()));
        }
        let stop = [1, heads, filled as i32, head_dim];
        Ok((ffi::slice(&self.keys, [0; 4], stop)?, ffi::slice(&self.values, [0; 4], stop)?))
    }
}

/// The shape of an array of four axes.
fn shape4(array: &Array) -> [i32; 4] {
    <[i32; 4]>::try_from(array.shape()).unwrap_or_default()
}
