//! Moshi written down once more, as plainly as it can be: f64, vectors in vectors, every key and value of the talk kept in
//! a list, of which attention sees the last `context`. No rings, no graph, no MLX.
//! Source: `LMModel` and `LMGen._step` in `moshi/models/lm.py`, moshi 0.2.13.

use std::collections::HashMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// Rows of a matrix.
type Matrix = Vec<Vec<f64>>;

pub(crate) struct Reference {
    matrices: HashMap<String, Matrix>,
    vectors: HashMap<String, Vec<f64>>,
    config: Value,
    delays: Vec<usize>,
    /// Of each layer, one entry per step.
    keys: Vec<Matrix>,
    values: Vec<Matrix>,
}

impl Reference {
    /// Reads `config.json` and the bf16 weights of a folder.
    pub(crate) fn load(folder: &Path) -> Self {
        let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (mut matrices, mut vectors) = (HashMap::new(), HashMap::new());
        for (name, view) in tensors.iter() {
            assert_eq!(view.dtype(), Dtype::BF16, "{name}");
            let numbers: Vec<f64> = view.data().chunks_exact(2).map(bf16).collect();
            match view.shape() {
                [_] => drop(vectors.insert(name.to_owned(), numbers)),
                [_, columns] => {
                    drop(
                        matrices.insert(name.to_owned(), numbers.chunks_exact(*columns).map(<[f64]>::to_vec).collect()),
                    );
                }
                shape => panic!("{name}: {shape:?}"),
            }
        }
        let delays =
            config["delays"].as_array().unwrap().iter().map(|delay| delay.as_u64().unwrap() as usize).collect();
        let layers = number(&config, "num_layers");
        Self { matrices, vectors, config, delays, keys: vec![Vec::new(); layers], values: vec![Vec::new(); layers] }
    }

    pub(crate) fn number(&self, key: &str) -> usize {
        number(&self.config, key)
    }

    /// Frames by which each stream lags, the text's first.
    pub(crate) fn delays(&self) -> &[usize] {
        &self.delays
    }

    /// Logits of step `step`: text, then one row per codebook.
    ///
    /// `sampled[s]` and `user[s]` are what was sampled and heard in step s, this step's included.
    pub(crate) fn logits(&mut self, step: usize, sampled: &[Vec<usize>], user: &[Vec<usize>]) -> Matrix {
        let slices = self.number("dep_q");
        let mut x = vec![0.0; self.number("dim")];
        for (stream, delay) in self.delays.iter().copied().enumerate() {
            let table = if stream == 0 { "text_emb".to_owned() } else { format!("audio_embs.{}", stream - 1) };
            let table = &self.matrices[&format!("{table}.weight")];
            let token = if step <= delay {
                table.len() - 1
            } else if stream <= slices {
                sampled[step - 1][stream]
            } else {
                user[step - delay][stream - 1 - slices]
            };
            add(&mut x, &table[token]);
        }
        for layer in 0..self.keys.len() {
            self.attend(layer, step, &mut x);
            self.gate(&format!("transformer.layers.{layer}"), &mut x);
        }
        let x = self.norm("out_norm", &x);
        let mut all = vec![product(&self.matrices["text_linear.weight"], &x)];
        all.extend(self.depformer(&x, &sampled[step]));
        all
    }

    /// A temporal layer's attention over the window.
    fn attend(&mut self, layer: usize, position: usize, x: &mut [f64]) {
        let prefix = format!("transformer.layers.{layer}");
        let heads = self.number("num_heads");
        let head_dim = x.len() / heads;
        let (mut queries, mut keys, values) = self.project(&prefix, x);
        let base = self.number("max_period") as f64;
        for vector in [&mut queries, &mut keys] {
            for head in vector.chunks_exact_mut(head_dim) {
                for (pair, numbers) in head.chunks_exact_mut(2).enumerate() {
                    let (sine, cosine) = (position as f64 * base.powf(-2.0 * pair as f64 / head_dim as f64)).sin_cos();
                    let (a, b) = (numbers[0], numbers[1]);
                    (numbers[0], numbers[1]) = (a * cosine - b * sine, a * sine + b * cosine);
                }
            }
        }
        self.keys[layer].push(keys);
        self.values[layer].push(values);
        let first = self.keys[layer].len().saturating_sub(self.number("context"));
        let seen = attention(&queries, &self.keys[layer][first..], &self.values[layer][first..], heads);
        add(x, &product(&self.matrices[&format!("{prefix}.self_attn.out_proj.weight")], &seen));
    }

    fn depformer(&self, x: &[f64], sampled: &[usize]) -> Matrix {
        let (mut keys, mut values): (Vec<Matrix>, Vec<Matrix>) = (
            vec![Vec::new(); self.number("depformer_num_layers")],
            vec![Vec::new(); self.number("depformer_num_layers")],
        );
        let mut all = Vec::new();
        for (slice, before) in sampled.iter().take(self.number("dep_q")).enumerate() {
            let slice = format!("depformer.slices.{slice}");
            let mut x = product(&self.matrices[&format!("{slice}.linear_in.weight")], x);
            add(&mut x, &self.matrices[&format!("{slice}.emb.weight")][*before]);
            for layer in 0..keys.len() {
                let prefix = format!("{slice}.transformer.layers.{layer}");
                let (query, key, value) = self.project(&prefix, &x);
                keys[layer].push(key);
                values[layer].push(value);
                let seen = attention(&query, &keys[layer], &values[layer], self.number("depformer_num_heads"));
                add(&mut x, &product(&self.matrices[&format!("{prefix}.self_attn.out_proj.weight")], &seen));
                self.gate(&prefix, &mut x);
            }
            all.push(product(&self.matrices[&format!("{slice}.linear_out.weight")], &x));
        }
        all
    }

    fn project(&self, prefix: &str, x: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let normed = self.norm(&format!("{prefix}.norm1"), x);
        let all = product(&self.matrices[&format!("{prefix}.self_attn.in_proj.weight")], &normed);
        let width = x.len();
        (all[..width].to_vec(), all[width..2 * width].to_vec(), all[2 * width..].to_vec())
    }

    /// The feed-forward half of a layer.
    fn gate(&self, prefix: &str, x: &mut [f64]) {
        let normed = self.norm(&format!("{prefix}.norm2"), x);
        let both = product(&self.matrices[&format!("{prefix}.gating.linear_in.weight")], &normed);
        let (gate, value) = both.split_at(both.len() / 2);
        let hidden: Vec<f64> = gate.iter().zip(value).map(|(a, b)| a / (1.0 + (-a).exp()) * b).collect();
        add(x, &product(&self.matrices[&format!("{prefix}.gating.linear_out.weight")], &hidden));
    }

    fn norm(&self, key: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let scale = 1.0 / (mean + 1e-8).sqrt();
        x.iter().zip(&self.vectors[&format!("{key}.weight")]).map(|(x, weight)| x * scale * weight).collect()
    }
}

fn number(config: &Value, key: &str) -> usize {
    config[key].as_u64().unwrap() as usize
}

fn bf16(bytes: &[u8]) -> f64 {
    f64::from(f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16))
}

fn add(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn product(matrix: &Matrix, x: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, x)).collect()
}

/// One query over keys and values, head by head.
fn attention(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>], heads: usize) -> Vec<f64> {
    let head_dim = query.len() / heads;
    let mut seen = vec![0.0; query.len()];
    for head in 0..heads {
        let part = head * head_dim..(head + 1) * head_dim;
        let scores: Vec<f64> =
            keys.iter().map(|key| dot(&query[part.clone()], &key[part.clone()]) / (head_dim as f64).sqrt()).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let sum: f64 = weights.iter().sum();
        for (weight, value) in weights.iter().zip(values) {
            for (seen, value) in seen[part.clone()].iter_mut().zip(&value[part.clone()]) {
                *seen += weight / sum * value;
            }
        }
    }
    seen
}
