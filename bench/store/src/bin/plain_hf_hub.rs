//! hf-hub without the store, for comparison (`make bench-store`): fetches one file and prints one
//! line of JSON.
//!
//! `plain_hf_hub ENDPOINT COMMIT FILE`, of the repository `lab/tiny`. `HF_HUB_CACHE` says where to.

use std::error::Error;
use std::process::ExitCode;

use hf_hub::HFClient;
use moshibar_bench_store::report;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> ExitCode {
    report("plain_hf_hub", run().await)
}

async fn run() -> Result<Value, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, commit, file] = words.as_slice() else {
        return Err("usage: plain_hf_hub ENDPOINT COMMIT FILE".into());
    };
    let model = HFClient::builder().endpoint(endpoint).build()?.model("lab", "tiny");
    let fetched = model.download_file().filename(file).revision(commit).send().await;
    Ok(match fetched {
        Ok(path) => json!({ "outcome": "done", "path": path }),
        Err(error) => json!({ "outcome": "error", "message": error.to_string() }),
    })
}
