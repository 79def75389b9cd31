//! Where an app has MLX's GPU kernels (`mlx.metallib`).
//!
//! MLX looks beside its library, then in the folder where it was built. The first is no place for data in a signed app, and the
//! second is there on the builder's Mac alone, where it hides that an app lacks them. So an app says where they are.

use std::path::{Path, PathBuf};

#[cfg(target_os = "macos")]
use crate::error::ModelError;

/// Tells MLX where they are, if this program runs in an app; to be called before anything else is asked of MLX.
///
/// # Errors
/// [`ModelError::Missing`] when the app lacks them.
#[cfg(target_os = "macos")]
pub(crate) fn use_those_of_the_app() -> Result<(), ModelError> {
    let Some(kernels) = std::env::current_exe().ok().as_deref().and_then(in_app) else { return Ok(()) };
    if !kernels.is_file() {
        let hint = "the app is not complete; install Moshibar again".to_owned();
        return Err(ModelError::Missing { path: kernels, hint });
    }
    mlx_rs::metal::set_metallib_path(kernels.to_string_lossy())?;
    Ok(())
}

/// `X.app/Contents/Resources/mlx.metallib` for `X.app/Contents/MacOS/program`; none for a program elsewhere.
fn in_app(program: &Path) -> Option<PathBuf> {
    let programs = program.parent().filter(|folder| folder.ends_with("Contents/MacOS"))?;
    Some(programs.parent()?.join("Resources/mlx.metallib"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_an_app_has_its_kernels_there_and_any_other_has_none() {
        let kernels = in_app(Path::new("/Applications/Moshibar.app/Contents/MacOS/moshibar-app"));
        assert_eq!(kernels.as_deref(), Some(Path::new("/Applications/Moshibar.app/Contents/Resources/mlx.metallib")));
        assert_eq!(in_app(Path::new("/usr/local/bin/moshibar")), None);
    }
}
