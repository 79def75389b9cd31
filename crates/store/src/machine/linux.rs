//! Linux: `/proc/cpuinfo`, and what NVIDIA's driver tells in `/proc/driver/nvidia`.

use std::fs;
use std::path::Path;

use super::Gpu;

/// One folder for each GPU, named by its bus address, with a file `information`. There while the driver is loaded.
const NVIDIA_GPUS: &str = "/proc/driver/nvidia/gpus";

/// What its maker calls the processor. Kernels for ARM do not tell.
pub(super) fn processor() -> Option<String> {
    field(&fs::read_to_string("/proc/cpuinfo").ok()?, "model name")
}

/// The first NVIDIA GPU. Its memory is not told there.
pub(super) fn gpu() -> Gpu {
    nvidia(Path::new(NVIDIA_GPUS)).map_or(Gpu::None, |name| Gpu::Other { name, memory_bytes: None })
}

fn nvidia(gpus: &Path) -> Option<String> {
    let mut folders: Vec<_> = fs::read_dir(gpus).ok()?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let information = folders.first().map(|folder| fs::read_to_string(folder.join("information")))?;
    // A folder is a GPU even if it does not say which.
    Some(information.ok().and_then(|text| field(&text, "Model")).unwrap_or_else(|| "NVIDIA GPU".to_owned()))
}

/// The first value of `key` in lines of `key : value`.
fn field(text: &str, key: &str) -> Option<String> {
    let value = |line: &str| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key && !value.trim().is_empty()).then(|| value.trim().to_owned())
    };
    text.lines().find_map(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_a_key_is_taken() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: other\n";
        assert_eq!(field(cpuinfo, "model name").as_deref(), Some("AMD EPYC"));
        assert_eq!(field("processor\t: 0\nBogoMIPS\t: 50.00\n", "model name"), None);
        assert_eq!(field("model name\t:\n", "model name"), None);
    }

    #[test]
    fn the_first_gpu_by_address_is_named() {
        let proc = tempfile::tempdir().unwrap();
        for (address, model) in [("0000:c1:00.0", "NVIDIA L4"), ("0000:1b:00.0", "NVIDIA H100 80GB HBM3")] {
            fs::create_dir(proc.path().join(address)).unwrap();
            let information = format!("Model: \t\t {model}\nIRQ:   \t\t 42\nGPU UUID: \t GPU-0\n");
            fs::write(proc.path().join(address).join("information"), information).unwrap();
        }
        assert_eq!(nvidia(proc.path()).as_deref(), Some("NVIDIA H100 80GB HBM3"));
    }

    #[test]
    fn a_gpu_without_information_is_still_one_and_an_empty_folder_is_none() {
        let proc = tempfile::tempdir().unwrap();
        assert_eq!(nvidia(proc.path()), None);
        fs::create_dir(proc.path().join("0000:1b:00.0")).unwrap();
        assert_eq!(nvidia(proc.path()).as_deref(), Some("NVIDIA GPU"));
        assert_eq!(nvidia(&proc.path().join("missing")), None);
    }
}
