//! `moshibar`: the product without a window. Reads its arguments, runs one command and turns the end into an exit code.

mod args;
mod caption_line;
mod codes_file;
mod commands;
mod console;
mod error;
mod exit;
mod interrupt;
mod job_view;
mod loading;
mod machine;
mod model_choice;
mod progress;
mod sampling;
mod speech_like;
mod table;

fn main() -> std::process::ExitCode {
    exit::run(std::env::args_os().collect())
}
