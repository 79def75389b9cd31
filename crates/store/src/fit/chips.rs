//! Apple's chips: how fast their memory is, and how much of that decoding a model of this size gets.
//!
//! Bandwidth: width of the memory bus × its rate, which Apple publishes rounded (100 for 102.4 GB/s), as collected up to
//! the M5 family. Share: what MLX reached with 4-bit models of 7 to 8 billion weights, bytes × tokens/s over bandwidth, from
//! reports with the project: M1 77 %, M2 84 % and M1 Max 62 %, M2 Ultra 53 % (ml-explore/mlx#979), M2 Pro 76 %
//! (llmfit#1031), M3 Ultra 62 % (Rapid-MLX#586). The larger the chip, the more of a frame is launches instead of reading.
//! Nothing here was measured with Moshi. A chip that is missing is unknown; nothing is extrapolated.

use serde::Serialize;

/// A chip of the table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chip {
    /// As the system calls it: `Apple M3 Max`.
    pub name: &'static str,
    /// **Units** GB/s.
    pub bandwidth_gb_s: f64,
    /// Part of the bandwidth that reading the weights is expected to reach, 0 to 1.
    pub bandwidth_share: f64,
    /// The chip is sold with different bandwidths and did not tell which it has; this is the lowest.
    pub lowest_of_several: bool,
}

/// One row: a chip, or one variant of it.
struct Row {
    name: &'static str,
    /// Counts that tell variants with different bandwidths apart; `None` where they do not.
    performance_cores: Option<u32>,
    gpu_cores: Option<u32>,
    bandwidth_gb_s: f64,
    share: f64,
}

/// Between M1's 0.77 and M2's 0.84.
const BASE: f64 = 0.8;
/// M2 Pro's 0.76.
const PRO: f64 = 0.75;
/// A little more than M1 Max's 0.62, whose kernels were older.
const MAX: f64 = 0.65;
/// More bandwidth at the same cost of a launch: a smaller part of it is used.
const LATE_MAX: f64 = 0.6;
/// M2 Ultra's 0.53; M3 Ultra's 0.62 is newer, and this stays on the safe side.
const ULTRA: f64 = 0.55;

const fn chip(name: &'static str, bandwidth_gb_s: f64, share: f64) -> Row {
    Row { name, performance_cores: None, gpu_cores: None, bandwidth_gb_s, share }
}

const fn variant(
    name: &'static str,
    performance_cores: Option<u32>,
    gpu_cores: u32,
    bandwidth_gb_s: f64,
    share: f64,
) -> Row {
    Row { name, performance_cores, gpu_cores: Some(gpu_cores), bandwidth_gb_s, share }
}

const TABLE: &[Row] = &[
    chip("Apple M1", 68.3, BASE),                           // 128 bit × 4,266 MT/s
    chip("Apple M1 Pro", 204.8, PRO),                       // 256 bit × 6,400 MT/s
    chip("Apple M1 Max", 409.6, MAX),                       // 512 bit × 6,400 MT/s; 24 or 32 GPU cores, the same memory
    chip("Apple M1 Ultra", 819.2, ULTRA),                   // two Max
    chip("Apple M2", 102.4, BASE),                          // 128 bit × 6,400 MT/s
    chip("Apple M2 Pro", 204.8, PRO),                       // 256 bit
    chip("Apple M2 Max", 409.6, MAX),                       // 512 bit; 30 or 38 GPU cores, the same memory
    chip("Apple M2 Ultra", 819.2, ULTRA),                   // two Max
    chip("Apple M3", 102.4, BASE),                          // 128 bit × 6,400 MT/s
    chip("Apple M3 Pro", 153.6, PRO),                       // 192 bit: less than its forerunners
    variant("Apple M3 Max", Some(10), 30, 307.2, MAX),      // 14-core CPU: 384 bit
    variant("Apple M3 Max", Some(12), 40, 409.6, MAX),      // 16-core CPU: 512 bit
    chip("Apple M3 Ultra", 819.2, ULTRA),                   // two large Max
    chip("Apple M4", 120.0, BASE),                          // 128 bit × 7,500 MT/s
    chip("Apple M4 Pro", 273.1, PRO),                       // 256 bit × 8,533 MT/s
    variant("Apple M4 Max", Some(10), 32, 409.6, LATE_MAX), // 14-core CPU: 384 bit × 8,533 MT/s
    variant("Apple M4 Max", Some(12), 40, 546.1, LATE_MAX), // 16-core CPU: 512 bit
    chip("Apple M5", 153.6, BASE),                          // 128 bit × 9,600 MT/s
    chip("Apple M5 Pro", 307.2, PRO),                       // 256 bit
    // Both have the same CPU, so only GPU cores tell. 384 bit for the smaller is not confirmed by Apple's own figures here.
    variant("Apple M5 Max", None, 32, 460.8, LATE_MAX),
    variant("Apple M5 Max", None, 40, 614.4, LATE_MAX), // 512 bit × 9,600 MT/s
];

impl Chip {
    /// Finds a chip by what the system calls it, and its variant by the cores that are known.
    ///
    /// Where the known cores leave several variants, the one with the lowest bandwidth stands for them, and says so. Cores
    /// that no variant has mean a chip that is not in the table: `None`, like every name that is not there to the letter.
    pub fn find(brand: &str, performance_cores: Option<u32>, gpu_cores: Option<u32>) -> Option<Self> {
        let fits = |row: &&Row| {
            row.name == brand.trim()
                && agrees(row.performance_cores, performance_cores)
                && agrees(row.gpu_cores, gpu_cores)
        };
        let slowest = TABLE.iter().filter(fits).min_by(|a, b| a.bandwidth_gb_s.total_cmp(&b.bandwidth_gb_s))?;
        Some(Self {
            name: slowest.name,
            bandwidth_gb_s: slowest.bandwidth_gb_s,
            bandwidth_share: slowest.share,
            lowest_of_several: TABLE.iter().filter(fits).count() > 1,
        })
    }

    /// Bytes that its memory moves in a millisecond at most.
    pub(super) fn bytes_per_ms(&self) -> f64 {
        self.bandwidth_gb_s * 1e6
    }
}

/// Whether two counts are the same, as far as both are known.
fn agrees(row: Option<u32>, machine: Option<u32>) -> bool {
    row.zip(machine).is_none_or(|(row, machine)| row == machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bandwidth(brand: &str, performance_cores: Option<u32>, gpu_cores: Option<u32>) -> Option<(u32, bool)> {
        let chip = Chip::find(brand, performance_cores, gpu_cores)?;
        Some((chip.bandwidth_gb_s.round() as u32, chip.lowest_of_several))
    }

    #[test]
    fn cores_tell_variants_apart() {
        assert_eq!(bandwidth("Apple M3 Max", Some(10), None), Some((307, false)));
        assert_eq!(bandwidth("Apple M3 Max", Some(12), None), Some((410, false)));
        assert_eq!(bandwidth("Apple M4 Max", Some(10), None), Some((410, false)));
        assert_eq!(bandwidth("Apple M4 Max", None, Some(40)), Some((546, false)));
        assert_eq!(bandwidth("Apple M5 Max", Some(6), Some(40)), Some((614, false)));
    }

    #[test]
    fn a_variant_that_cannot_be_told_is_the_slowest_and_says_so() {
        assert_eq!(bandwidth("Apple M5 Max", Some(6), None), Some((461, true)));
        assert_eq!(bandwidth("Apple M3 Max", None, None), Some((307, true)));
    }

    #[test]
    fn cores_do_not_matter_where_the_memory_is_the_same() {
        assert_eq!(bandwidth("Apple M1 Pro", Some(6), None), Some((205, false)));
        assert_eq!(bandwidth("Apple M1 Pro", Some(8), Some(16)), Some((205, false)));
    }

    #[test]
    fn what_is_not_in_the_table_is_unknown() {
        for brand in ["Apple M6", "Apple M5 Ultra", "Apple M1 (Virtual)", "Apple A18 Pro", "Apple processor", "M3", ""]
        {
            assert_eq!(Chip::find(brand, None, None), None, "{brand}");
        }
        assert_eq!(Chip::find("Apple M3 Max", Some(11), None), None);
        assert_eq!(Chip::find("Apple M4 Max", Some(12), Some(32)), None);
    }

    #[test]
    fn larger_chips_use_a_smaller_part_of_a_larger_bandwidth() {
        for generation in ["Apple M1", "Apple M2", "Apple M3"] {
            let find = |suffix: &str| Chip::find(&format!("{generation}{suffix}"), None, None).unwrap();
            let family = [find(""), find(" Pro"), find(" Max"), find(" Ultra")];
            for (smaller, larger) in family.iter().zip(family.iter().skip(1)) {
                assert!(smaller.bandwidth_gb_s < larger.bandwidth_gb_s, "{smaller:?} {larger:?}");
                assert!(smaller.bandwidth_share > larger.bandwidth_share, "{smaller:?} {larger:?}");
            }
        }
    }
}
