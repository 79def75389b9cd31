//! `moshibar doctor`: what this machine has, whether the model's files are whole, whether a frame computes, and what is
//! wrong in words. Exit code 0 if nothing is wrong; warnings are not wrong.

mod findings;
mod model;
mod trial;

use moshibar_model::{DeviceKind, ModelError, RuntimeReport, memory_limit_bytes, report};
use serde_json::json;

use crate::args::DoctorArgs;
use crate::console::Console;
use crate::error::{CliError, ErrorKind};
use crate::exit::Verdict;
use crate::machine::{memory_bytes, readable_bytes};
use crate::model_choice::find;

use self::findings::Findings;
use self::model::Examined;

/// Examines the machine and one model.
///
/// # Errors
/// [`ErrorKind::Interrupted`], or that the result cannot be printed. What is wrong
/// with the machine or the model is the result, and no error.
pub(crate) fn run(args: &DoctorArgs, console: &Console) -> Result<Verdict, CliError> {
    let mut findings = Findings::default();
    findings.good("program", format!("moshibar {}", env!("CARGO_PKG_VERSION")));
    let runtime = examine_device(report(args.model.device.into()), &mut findings);
    let memory = examine_memory(runtime.as_ref(), &mut findings);
    let mut examined = None;
    match find(&args.model.model, console) {
        Ok(chosen) => {
            let device = runtime.as_ref().map_or(DeviceKind::Cpu, |runtime| runtime.device);
            let found = examined.insert(model::examine(&chosen, device, memory, &mut findings));
            if !findings.any_bad() {
                trial::compute(args, found, console, &mut findings)?;
            }
        }
        Err(error) if error.kind == ErrorKind::Interrupted => return Err(error),
        Err(error) => findings.bad("model", error.message, "choose another model with --model"),
    }

    let value = json!({
        "ok": !findings.any_bad(),
        "version": env!("CARGO_PKG_VERSION"),
        "mlx": runtime,
        "memory": {
            "machine_bytes": memory_bytes(),
            // What the trial was allowed: MLX is given no limit before a model is loaded.
            "mlx_limit_bytes": examined.as_ref().filter(|examined| examined.was_tried).and_then(|_| memory_limit_bytes()),
            "needed_bytes": examined.as_ref().and_then(|examined| examined.needed_bytes),
        },
        "model": examined.as_ref().map(Examined::json),
        "findings": findings,
    });
    console.result(&findings.text(), &value)?;
    Ok(if findings.any_bad() { Verdict::Bad } else { Verdict::Good })
}

/// MLX and its device.
fn examine_device(asked: Result<RuntimeReport, ModelError>, findings: &mut Findings) -> Option<RuntimeReport> {
    let runtime = match asked {
        Ok(runtime) => runtime,
        Err(error) => {
            findings.bad("device", error.to_string(), "leave --device out, or choose --device cpu");
            return None;
        }
    };
    let RuntimeReport { mlx_version, backend, device, device_name, device_memory_bytes, computes } = &runtime;
    let name = device_name.as_deref().unwrap_or("a device without a name");
    let memory = device_memory_bytes.map_or_else(String::new, |bytes| format!(" with {}", readable_bytes(bytes)));
    let facts = format!("MLX {mlx_version} on {name}{memory}, backend {backend}");
    match device {
        _ if !computes => {
            let hint = "restart the machine; if it stays so, run `make setup` again, and try --device cpu";
            findings.bad("device", format!("{facts}: 2 x 2 is not 4 there"), hint);
        }
        DeviceKind::Gpu => findings.good("device", facts),
        DeviceKind::Cpu => {
            let message = format!("{facts}: no GPU is used, so a full-size model will not run in real time");
            findings.warning(
                "device",
                message,
                "use a Mac with Apple silicon, or on Linux set up with MLX_BACKEND=cuda",
            );
        }
    }
    Some(runtime)
}

/// The memory that models have to fit into: the device's own, or the machine's.
fn examine_memory(runtime: Option<&RuntimeReport>, findings: &mut Findings) -> Option<u64> {
    let machine = memory_bytes();
    match machine {
        Some(bytes) => findings.good("memory", format!("{} in this machine", readable_bytes(bytes))),
        None => findings.warning(
            "memory",
            "this system does not say how much memory it has".to_owned(),
            "compare the size of the model with the size of your memory yourself",
        ),
    }
    runtime.and_then(|runtime| runtime.device_memory_bytes).or(machine)
}
