//! How many operations a frame's graph has: the measure of host and dispatch overhead that does not depend on a machine.

use std::collections::BTreeMap;

use mlx_rs::Array;
use serde::Serialize;

use crate::error::ModelError;
use crate::ffi;

/// MLX primitives that only describe memory anew and launch nothing.
const VIEWS: [&str; 16] = [
    "AsStrided",
    "Broadcast",
    "BroadcastAxes",
    "Contiguous",
    "Copy",
    "ExpandDims",
    "Flatten",
    "NumberOfElements",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "StopGradient",
    "Transpose",
    "Unflatten",
    "View",
];

/// Operations of one graph before it is evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct GraphOperations {
    /// All primitives.
    pub primitives: usize,
    /// Primitives that compute or copy, so without views.
    pub computing: usize,
    /// How often each primitive occurs.
    pub by_name: BTreeMap<String, usize>,
}

impl GraphOperations {
    /// Counts what evaluating `outputs` would run.
    pub(crate) fn of(outputs: &[&Array]) -> Result<Self, ModelError> {
        Ok(Self::parse(&ffi::graph_as_dot(outputs)?))
    }

    /// Reads Graphviz text as MLX writes it: one line `{ number [label ="Name", shape=rectangle]; }` per primitive.
    fn parse(dot: &str) -> Self {
        let mut by_name = BTreeMap::new();
        for line in dot.lines().filter(|line| line.contains("shape=rectangle")) {
            if let Some(name) = line.split("label =\"").nth(1).and_then(|rest| rest.split('"').next()) {
                *by_name.entry(name.to_owned()).or_insert(0) += 1;
            }
        }
        let primitives = by_name.values().sum();
        // A view of other type is named with that type: "View float32".
        let is_view = |name: &str| name.split(' ').next().is_some_and(|first| VIEWS.contains(&first));
        let views: usize = by_name.iter().filter(|(name, _)| is_view(name)).map(|(_, count)| count).sum();
        Self { primitives, computing: primitives - views, by_name }
    }
}
