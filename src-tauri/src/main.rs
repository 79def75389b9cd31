//! Moshibar, the app.

fn main() -> std::process::ExitCode {
    moshibar_app::run()
}
