//! The pantry of Moshibar: pinned models in, verified paths out.
