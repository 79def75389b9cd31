//! What machine this is, as far as a model's fit depends on it. Reads the system's own answers; runs no other program.

use serde::Serialize;

use crate::fit::Chip;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod mac;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use mac as system;

/// A machine that is to run the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Machine {
    /// What its maker calls the processor; `None` where the system does not tell.
    pub processor: Option<String>,
    /// Bytes of physical memory; `None` where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// What computes.
    pub gpu: Gpu,
}

/// The GPU that the engine would use.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gpu {
    /// An Apple chip whose figures are known; its memory is the machine's.
    Apple(Chip),
    /// An Apple chip that is newer than our table, or stranger.
    AppleUnknown {
        /// What the system calls it.
        brand: String,
    },
    /// Another maker's, with memory of its own.
    Other {
        /// What its maker calls it.
        name: String,
        /// Bytes of its memory; `None` where the system does not tell.
        memory_bytes: Option<u64>,
    },
    /// None that the engine can use, as on a Mac with an Intel processor: the CPU computes.
    #[default]
    None,
}

impl Machine {
    /// This machine.
    ///
    /// On Linux it is tested. On a Mac it asks `sysctlbyname`, and has not run on one yet.
    pub fn this() -> Self {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        return Self { processor: system::processor(), memory_bytes: memory_bytes(), gpu: system::gpu() };
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        Self { memory_bytes: memory_bytes(), ..Self::default() }
    }
}

impl Gpu {
    /// The GPU in an Apple chip, by the brand of the processor; [`Gpu::None`] for processors of other makers.
    ///
    /// Counts of cores tell variants of one chip apart, where they are known.
    pub fn of_brand(brand: &str, performance_cores: Option<u32>, gpu_cores: Option<u32>) -> Self {
        // Under Rosetta the brand is "VirtualApple @ 2.50GHz": an Apple chip, but which one it does not say.
        if !brand.contains("Apple") {
            return Self::None;
        }
        Chip::find(brand, performance_cores, gpu_cores)
            .map_or_else(|| Self::AppleUnknown { brand: brand.trim().to_owned() }, Self::Apple)
    }
}

/// Bytes of physical memory; `None` where the system does not tell.
fn memory_bytes() -> Option<u64> {
    #[cfg(target_os = "macos")]
    if let Some(bytes) = mac::memory_bytes() {
        return Some(bytes);
    }
    // SAFETY: sysconf takes a number and returns one; it touches no memory of ours.
    let (pages, page_bytes) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).ok()?.checked_mul(u64::try_from(page_bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory() {
        let machine = Machine::this();
        assert!(machine.memory_bytes.unwrap() > 256 << 20, "{machine:?}");
    }

    #[test]
    fn a_brand_names_a_known_chip_or_an_unknown_one_or_none() {
        assert!(matches!(Gpu::of_brand("Apple M2", None, None), Gpu::Apple(chip) if chip.name == "Apple M2"));
        for brand in ["Apple M9 Max", "VirtualApple @ 2.50GHz", "Apple M1 (Virtual)"] {
            assert_eq!(Gpu::of_brand(brand, None, None), Gpu::AppleUnknown { brand: brand.to_owned() });
        }
        assert_eq!(Gpu::of_brand("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", None, None), Gpu::None);
    }

    #[test]
    fn a_machine_is_written_as_json() {
        let json = |gpu: Gpu| serde_json::to_value(Machine { gpu, ..Machine::default() }).unwrap();
        assert_eq!(json(Gpu::of_brand("Apple M2", None, None))["gpu"]["apple"]["name"], "Apple M2");
        assert_eq!(json(Gpu::None)["gpu"], "none");
        assert_eq!(json(Gpu::None)["memory_bytes"], serde_json::Value::Null);
    }
}
