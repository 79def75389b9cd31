//! Writes `bindings.rs` for mlx-sys with the settings of mlx-sys itself.
//!
//! `MLX_SYS_DIR` names the unpacked mlx-sys crate, at compile time. Called once by `scripts/setup.sh`.

mod bindgen_config {
    include!(concat!(env!("MLX_SYS_DIR"), "/src/bindgen_config.rs"));
}

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(root), Some(bindings), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: bindgen-host <folder of mlx-c> <bindings.rs to write>".into());
    };
    let root = Path::new(&root);
    let headers = bindgen_config::discover_headers(root)?;
    for header in &headers {
        bindgen_config::relative_header(root, header)?;
    }
    bindgen_config::builder(root, &headers).generate()?.write_to_file(bindings)?;
    Ok(())
}
