//! `moshibar models check`: how the released qualities suit this machine, by arithmetic or by a run of one model.

use moshibar_store::{Fit, Machine, Quality, recommended, verdict};
use serde_json::json;

use crate::args::CheckArgs;
use crate::console::Console;
use crate::error::CliError;
use crate::exit::Verdict;
use crate::machine::readable_bytes;

use super::measure;

/// Checks all qualities by arithmetic, or runs a model.
///
/// # Errors
/// [`CliError`] of finding, loading or computing.
pub(super) fn run(args: &CheckArgs, console: &Console) -> Result<Verdict, CliError> {
    match &args.name {
        Some(name) => measure::run(name, args, console),
        None => estimate(console),
    }
}

fn estimate(console: &Console) -> Result<Verdict, CliError> {
    let machine = Machine::this();
    let fits: Vec<Fit> = Quality::ALL.into_iter().map(|quality| verdict(quality, &machine)).collect();
    let recommended = recommended(&machine);
    let processor = machine.processor.as_deref().unwrap_or("an unknown processor");
    let memory = machine.memory_bytes.map_or_else(String::new, |bytes| format!(" with {}", readable_bytes(bytes)));
    let mut parts = vec![format!("This machine: {processor}{memory}")];
    parts.extend(fits.iter().map(text));
    parts.push(match recommended {
        Some(quality) => format!("{quality} is the best quality that suits this machine, by arithmetic alone."),
        None => "None of the released qualities suits this machine, as far as is known.".to_owned(),
    });
    let value = json!({ "machine": machine, "fits": fits, "recommended_quality": recommended });
    console.result(&parts.join("\n\n"), &value)?;
    Ok(Verdict::Good)
}

/// A verdict and its arithmetic, a line each.
pub(super) fn text(fit: &Fit) -> String {
    let reasons = fit.reasons.iter().map(|reason| format!("  {reason}"));
    std::iter::once(format!("{}: {}", fit.quality, fit.verdict)).chain(reasons).collect::<Vec<_>>().join("\n")
}
