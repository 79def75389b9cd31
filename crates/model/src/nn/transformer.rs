//! Pre-norm transformer layers: Moshi's (RMS norm, gated SiLU) and Mimi's (layer norm, GELU).
//! Source: `moshi/modules/transformer.py`, `StreamingTransformerLayer`, moshi 0.2.13.

use std::rc::Rc;

use mlx_rs::error::Exception;
use mlx_rs::ops::erf;
use mlx_rs::{Array, Dtype};

use super::attention::{Attention, Moment};
use super::kv_ring::{KvRing, RingCursor};
use super::linear::Linear;
use super::norm::Norm;
use super::rope::Rope;
use crate::ffi::{self, CompiledGate};
use crate::runtime::DeviceKind;

/// One layer without its memory.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Norm,
    pub(crate) attention: Attention,
    pub(crate) forward_norm: Norm,
    pub(crate) feed_forward: FeedForward,
}

/// What a layer does to each step on its own.
#[derive(Debug)]
pub(crate) enum FeedForward {
    /// `out(silu(a) · b)`, a and b the halves of `expand`'s output.
    Gated { expand: Linear, contract: Linear, hidden: usize, gate: Gate },
    /// `contract(gelu(expand(x)))` with the exact GELU; its factor ½ lies in `contract` ([`FeedForward::gelu`]).
    Gelu { expand: Linear, contract: Linear, inverse_sqrt_2: Array, one: Array },
}

/// `silu(a) · b`.
#[derive(Debug, Clone)]
pub(crate) enum Gate {
    /// Three operations.
    Composed,
    /// One kernel, shared by all layers.
    Compiled(Rc<CompiledGate>),
}

impl Gate {
    pub(crate) fn new(device: DeviceKind) -> Result<Self, Exception> {
        match device {
            DeviceKind::Cpu => Ok(Self::Composed),
            DeviceKind::Gpu => Ok(Self::Compiled(Rc::new(CompiledGate::new()?))),
        }
    }

    fn forward(&self, a: &Array, b: &Array) -> Result<Array, Exception> {
        match self {
            Self::Composed => ffi::gate(a, b),
            Self::Compiled(gate) => gate.apply(a, b),
        }
    }
}

impl FeedForward {
    /// `contract` holds GELU's factor ½ already.
    pub(crate) fn gelu(expand: Linear, contract: Linear) -> Self {
        let inverse_sqrt_2 = Array::from_f32(std::f32::consts::FRAC_1_SQRT_2);
        Self::Gelu { expand, contract, inverse_sqrt_2, one: Array::from_f32(1.0) }
    }

    /// **Shapes** `[T, C]` to `[T, C]`.
    pub(crate) fn forward(&self, x: &Array) -> Result<Array, Exception> {
        match self {
            Self::Gated { expand, contract, hidden, gate } => {
                let both = expand.forward(x)?;
                let [first, second] = ffi::split(&both, *hidden as i32, 1)?;
                contract.forward(&gate.forward(&first, &second)?)
            }
            Self::Gelu { expand, contract, inverse_sqrt_2, one } => {
                let hidden = expand.forward(x)?;
                contract.forward(&erf(hidden.multiply(inverse_sqrt_2)?)?.add(one)?.multiply(&hidden)?)
            }
        }
    }
}

impl Layer {
    /// One layer over T steps: attention, then feed-forward, each added to its input.
    pub(crate) fn step(&self, x: &Array, ring: &mut KvRing, moment: &Moment) -> Result<Array, Exception> {
        let attended = self.attention.step(&self.attention_norm.forward(x)?, ring, moment)?;
        self.forward(&ffi::add(x, &attended)?)
    }

    /// The feed-forward half.
    pub(crate) fn forward(&self, x: &Array) -> Result<Array, Exception> {
        ffi::add(x, &self.feed_forward.forward(&self.forward_norm.forward(x)?)?)
    }
}

/// A stack of layers with their rings.
#[derive(Debug)]
pub(crate) struct Transformer {
    layers: Vec<(Layer, KvRing)>,
    rope: Rope,
    cursor: RingCursor,
    capacity: usize,
}

impl Transformer {
    /// **Units** `context`: steps that a step can see, itself included.
    pub(crate) fn new(layers: Vec<Layer>, rope: Rope, context: usize, dtype: Dtype) -> Result<Self, Exception> {
        let layers = layers
            .into_iter()
            .map(|layer| {
                let ring = KvRing::new(layer.attention.heads, layer.attention.head_dim, context, dtype)?;
                Ok((layer, ring))
            })
            .collect::<Result<Vec<_>, Exception>>()?;
        Ok(Self { layers, rope, cursor: RingCursor::new(context), capacity: context })
    }

    /// **Shapes** `x`: `[T, C]`. Returns `[T, C]`.
    ///
    /// **State** advances every ring by T steps.
    pub(crate) fn step(&mut self, x: &Array) -> Result<Array, Exception> {
        let steps = x.dim(0).unsigned_abs() as usize;
        let cursor = self.cursor;
        let turn = self.rope.at(cursor.position(), steps);
        let moment = Moment { steps, cursor, turn, mask: cursor.mask(steps), device: self.rope.device };
        let mut x = x.clone();
        for (layer, ring) in &mut self.layers {
            x = layer.step(&x, ring, &moment)?;
        }
        self.cursor.advance(steps);
        Ok(x)
    }

    /// Forgets all steps.
    pub(crate) fn reset(&mut self) {
        // What lies in the rings is overwritten before it is read again.
        let Self { layers: _, rope: _, cursor, capacity } = self;
        *cursor = RingCursor::new(*capacity);
    }

    /// The rings' arrays, to be allocated before the first frame.
    pub(crate) fn ring_arrays(&self) -> impl Iterator<Item = &Array> {
        self.layers.iter().map(|(_, ring)| ring.array())
    }

    /// Bytes of all rings.
    pub(crate) fn ring_bytes(&self) -> usize {
        self.layers.iter().map(|(_, ring)| ring.size_bytes()).sum()
    }
}
