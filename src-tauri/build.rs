//! Grants windows what their capabilities say, and bakes the pages in.

#[path = "src/command_names.rs"]
mod command_names;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manifest = tauri_build::AppManifest::new().commands(command_names::NAMES);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}
