//! The real pages in the real webview: `ui/e2e`, driven by WebKit's own driver, with a hub that misbehaves.

use std::path::{Path, PathBuf};

use moshibar_test_hub::{Content, Fault, Hub, Repository, Rule};

use crate::rig::Rig;

/// Slow enough to press a button in the middle, on a busy machine too: 50 s for Mimi.
/// `models.e2e.ts` lifts it once it has. **Units** bytes a second.
const SLOW: u64 = 100_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The demo model in one quality, as somebody's repository.
fn nano(quality: &str) -> Repository {
    let file = |name: &str| Content::file(root().join("assets/nano").join(name)).unwrap();
    let weights = format!("model.{quality}.safetensors");
    let mut repository = Repository::new(format!("lab/nano-{quality}"));
    for name in ["config.json", "mimi_config.json", "tokenizer_spm_nano.model"] {
        repository = repository.file(name, file(name));
    }
    repository.lfs_file("mimi.safetensors", file("mimi.safetensors")).lfs_file(&weights, file(&weights))
}

#[test]
fn the_windows_do_what_people_see() {
    let Some(rig) = Rig::start() else { return };
    let hub = Hub::builder()
        .repository(nano("q4"))
        .repository(nano("q8"))
        .behaviour(vec![
            Rule::cdn(Fault::Throttle { bytes_per_second: SLOW }).path_suffix("mimi.safetensors"),
            Rule::cdn(Fault::DropAfter { bytes: 700_000 }).path_suffix("model.q8.safetensors").times(1),
        ])
        .start()
        .unwrap();
    in_the_webview(&rig, &["first_run", "talk", "models", "history"], &[("MOSHIBAR_TEST_HUB", &hub.endpoint())]);
    in_the_webview(&rig, &["devices"], &[]); // leaves no microphone behind
}

/// Runs files of `ui/e2e`.
pub(crate) fn in_the_webview(rig: &Rig, files: &[&str], variables: &[(&str, &str)]) {
    let mut command = rig.command(root().join("scripts/ui.sh"));
    command.args(["with", "node_modules/.bin/vitest", "run", "--config", "e2e/vitest.config.ts"]).args(files);
    command.env("MOSHIBAR_APP", env!("CARGO_BIN_EXE_moshibar-app")).envs(variables.iter().copied());
    assert!(command.status().unwrap().success(), "what is wrong is said above");
}
