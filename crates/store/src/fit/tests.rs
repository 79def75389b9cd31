//! Known machines, and where their verdicts must lie. Times are those of the formula worked out by hand, rounded.

use super::*;
use crate::machine::Gpu;

const GIB: u64 = 1 << 30;

/// A Mac with a chip of the table.
fn mac(chip: &str, performance_cores: Option<u32>, memory_gib: u64) -> Machine {
    let gpu = Gpu::of_brand(chip, performance_cores, None);
    assert!(matches!(gpu, Gpu::Apple(_)), "{chip} is not in the table");
    Machine { processor: Some(chip.to_owned()), memory_bytes: Some(memory_gib * GIB), gpu }
}

fn of(quality: Quality, chip: &str, memory_gib: u64) -> Verdict {
    verdict(quality, &mac(chip, None, memory_gib)).verdict
}

#[test]
fn machines_that_people_have_get_the_verdict_of_the_arithmetic() {
    use Quality::{Bf16, Q4, Q8};
    use Verdict::{Comfortable, Tight, WillNotFit, WillNotKeepUp};
    for (chip, memory_gib, quality, expected) in [
        ("Apple M1", 16, Q4, WillNotKeepUp),
        ("Apple M1 Pro", 16, Q4, Comfortable),
        ("Apple M1 Pro", 32, Q8, Tight),
        ("Apple M1 Max", 32, Q8, Comfortable),
        ("Apple M2", 16, Q4, Tight),
        ("Apple M2 Max", 32, Q8, Comfortable),
        ("Apple M3", 16, Q4, Tight),
        ("Apple M3", 24, Q8, WillNotKeepUp),
        ("Apple M3 Pro", 18, Q4, Comfortable),
        ("Apple M3 Pro", 36, Q8, WillNotKeepUp),
        ("Apple M4", 16, Q4, Tight),
        ("Apple M4", 32, Q8, WillNotKeepUp),
        ("Apple M4 Pro", 24, Q8, Comfortable),
        // 10.7 of 11.5 GB: it fits, with nothing beside it.
        ("Apple M4 Pro", 16, Q8, Tight),
        ("Apple M4 Pro", 24, Bf16, WillNotFit),
        ("Apple M5", 16, Q4, Comfortable),
        ("Apple M5", 24, Q8, WillNotKeepUp),
        ("Apple M3 Ultra", 96, Bf16, Comfortable),
    ] {
        let fit = verdict(quality, &mac(chip, None, memory_gib));
        assert_eq!(fit.verdict, expected, "{chip} with {memory_gib} GiB, {quality}: {fit:#?}");
    }
}

#[test]
fn nothing_fits_eight_gigabytes() {
    for chip in ["Apple M1", "Apple M2", "Apple M3"] {
        for quality in Quality::ALL {
            assert_eq!(of(quality, chip, 8), Verdict::WillNotFit, "{chip} {quality}");
        }
        assert_eq!(recommended(&mac(chip, None, 8)), None);
    }
}

#[test]
fn times_are_those_of_the_formula() {
    // By hand: (4.192 GB, and with context 5.765) / (0.8 · 102.4) + 0.417 / (0.6 · 102.4) + 1.6 + 5 ms, and so on. Each row
    // depends on another share, so that none can be another's.
    for (chip, performance_cores, quality, empty_ms, full_ms) in [
        ("Apple M3", None, Quality::Q4, 64.6, 83.8),
        ("Apple M2 Pro", None, Quality::Q4, 37.3, 47.6),
        ("Apple M2 Max", None, Quality::Q8, 36.3, 42.2),
        ("Apple M3 Max", Some(10), Quality::Q4, 29.9, 37.8),
        ("Apple M4 Max", Some(12), Quality::Q8, 30.6, 35.3),
        ("Apple M2 Ultra", None, Quality::Q8, 23.9, 27.4),
    ] {
        let fit = verdict(quality, &mac(chip, performance_cores, 64));
        let (empty, full) = (fit.frame_empty_ms.unwrap(), fit.frame_full_ms.unwrap());
        assert!((empty - empty_ms).abs() < 0.1 && (full - full_ms).abs() < 0.1, "{chip}: {empty} {full}");
    }
}

#[test]
fn the_larger_half_of_memory_begins_at_thirty_six() {
    for (memory_gib, budget_mb) in [(8, 5_727), (16, 11_453), (18, 12_885), (32, 22_906), (36, 28_991), (64, 51_540)] {
        let budget = verdict(Quality::Q4, &mac("Apple M3", None, memory_gib)).memory_budget_bytes.unwrap();
        assert!((budget as f64 / 1e6 - f64::from(budget_mb)).abs() < 1.0, "{memory_gib} GiB: {budget}");
    }
}

#[test]
fn memory_is_tight_from_eighty_five_percent_of_the_budget_on() {
    let needed = Needs::of_released(Quality::Q4).memory_bytes() as f64;
    let with_budget = |share: f64| {
        let gpu = Gpu::of_brand("Apple M2 Max", None, None);
        // 3/2 of the budget is the memory, below 36 GiB.
        let memory_bytes = Some((needed / share * 1.5) as u64);
        verdict(Quality::Q4, &Machine { memory_bytes, gpu, processor: None }).verdict
    };
    assert_eq!(with_budget(1.01), Verdict::WillNotFit);
    assert_eq!(with_budget(0.99), Verdict::Tight);
    assert_eq!(with_budget(0.86), Verdict::Tight);
    assert_eq!(with_budget(0.84), Verdict::Comfortable);
}

#[test]
fn the_recommendation_is_the_best_that_is_comfortable_else_a_tight_q4() {
    for (chip, memory_gib, expected) in [
        ("Apple M1", 16, None),
        ("Apple M3", 16, Some(Quality::Q4)),
        ("Apple M3 Pro", 36, Some(Quality::Q4)),
        ("Apple M4 Pro", 16, Some(Quality::Q4)),
        ("Apple M4 Pro", 24, Some(Quality::Q8)),
        ("Apple M2 Max", 32, Some(Quality::Q8)),
        ("Apple M3 Ultra", 256, Some(Quality::Q8)),
    ] {
        assert_eq!(recommended(&mac(chip, None, memory_gib)), expected, "{chip} {memory_gib}");
    }
    assert_eq!(recommended(&Machine::default()), None);
}

#[test]
fn a_newer_chip_is_unknown_unless_its_memory_is_too_small() {
    let newer = |memory_bytes| {
        let gpu = Gpu::of_brand("Apple M9", None, None);
        verdict(Quality::Q4, &Machine { memory_bytes, gpu, processor: None })
    };
    let fit = newer(Some(16 * GIB));
    assert_eq!((fit.verdict, fit.frame_full_ms), (Verdict::Unknown, None));
    assert!(fit.reasons.iter().any(|line| line.contains("Apple M9") && line.contains("moshibar models check")));
    assert_eq!(newer(Some(8 * GIB)).verdict, Verdict::WillNotFit);
    assert_eq!(newer(None).memory_budget_bytes, None);
}

#[test]
fn another_makers_gpu_is_judged_by_its_memory_alone() {
    let other = |memory_bytes| {
        let gpu = Gpu::Other { name: "NVIDIA L4".to_owned(), memory_bytes };
        verdict(Quality::Q8, &Machine { memory_bytes: Some(8 * GIB), gpu, processor: None }).verdict
    };
    assert_eq!(other(Some(24 * GIB)), Verdict::Unknown);
    assert_eq!(other(Some(8 * GIB)), Verdict::WillNotFit);
    assert_eq!(other(None), Verdict::Unknown);
}

#[test]
fn a_cpu_will_not_keep_up_and_needs_more_memory() {
    let cpu =
        |quality, memory_gib| verdict(quality, &Machine { memory_bytes: Some(memory_gib * GIB), ..Machine::default() });
    let fit = cpu(Quality::Q4, 64);
    assert_eq!(fit.verdict, Verdict::WillNotKeepUp);
    assert!(fit.reasons.iter().any(|line| line.contains("7.7 s")), "{fit:#?}");
    assert!(fit.memory_needed_bytes > Needs::of_released(Quality::Q4).memory_bytes() + 2_000_000_000);
    assert_eq!(cpu(Quality::Q4, 8).verdict, Verdict::WillNotFit);
    assert_eq!(cpu(Quality::Bf16, 64).verdict, Verdict::WillNotKeepUp);
}

#[test]
fn reasons_say_when_a_talk_falls_behind() {
    let fit = verdict(Quality::Q4, &mac("Apple M3", None, 16));
    assert!(fit.reasons.iter().any(|line| line.contains("from 3 min 12 s into a talk on")), "{fit:#?}");
    let fit = verdict(Quality::Q4, &mac("Apple M1", None, 16));
    assert!(fit.reasons.iter().any(|line| line.contains("from the first frame on")), "{fit:#?}");
}

#[test]
fn a_chip_whose_variant_is_not_known_says_which_was_taken() {
    let told =
        |machine: &Machine| verdict(Quality::Q8, machine).reasons.iter().any(|line| line.contains("the slowest"));
    assert!(told(&mac("Apple M5 Max", Some(6), 64)));
    assert!(!told(&mac("Apple M4 Max", Some(12), 64)));
}

fn run(p95_ms: f64, context_now_frames: u32) -> Measurement {
    Measurement {
        p95_ms,
        steps_measured: 200,
        context_now_frames,
        context_full_frames: 3_000,
        peak_memory_bytes: Some(7_000_000_000),
    }
}

#[test]
fn a_measurement_grows_by_the_bytes_still_to_come() {
    let fit = measured(Quality::Q4, None, &run(46.1, 0));
    // 4.609 GB in 46.1 ms are 100 GB/s; 1.573 GB more take 15.7 ms.
    assert!((fit.frame_full_ms.unwrap() - 61.8).abs() < 0.1, "{fit:#?}");
    assert!((fit.frame_empty_ms.unwrap() - 46.1).abs() < 1e-9);
    assert_eq!((fit.verdict, fit.basis), (Verdict::Tight, Basis::Measured));

    let half = measured(Quality::Q4, None, &run(53.95, 1_500));
    assert!((half.frame_full_ms.unwrap() - 61.8).abs() < 0.1, "{half:#?}");
    assert!((half.frame_empty_ms.unwrap() - 46.1).abs() < 0.1, "{half:#?}");

    let full = measured(Quality::Q4, None, &run(59.0, 3_000));
    assert!((full.frame_full_ms.unwrap() - 59.0).abs() < 1e-9);
    assert_eq!(full.verdict, Verdict::Comfortable);
}

#[test]
fn a_measurement_replaces_the_estimate_in_both_directions() {
    let slow = mac("Apple M1", None, 16);
    assert_eq!(measured(Quality::Q4, Some(&slow), &run(40.0, 3_000)).verdict, Verdict::Comfortable);
    let fast = mac("Apple M2 Max", None, 32);
    assert_eq!(measured(Quality::Q4, Some(&fast), &run(79.0, 3_000)).verdict, Verdict::Tight);
    // An estimate of 83 ms is tight; a measurement of 83 ms is not.
    assert_eq!(measured(Quality::Q4, Some(&fast), &run(83.0, 3_000)).verdict, Verdict::WillNotKeepUp);
}

#[test]
fn what_ran_has_fitted_but_may_have_been_tight() {
    let small = mac("Apple M2 Max", None, 8);
    assert_eq!(measured(Quality::Q4, Some(&small), &run(30.0, 0)).verdict, Verdict::Tight);
    let without_peak = Measurement { peak_memory_bytes: None, ..run(30.0, 0) };
    assert_eq!(measured(Quality::Q4, Some(&small), &without_peak).verdict, Verdict::Tight);
    assert_eq!(measured(Quality::Q4, None, &without_peak).verdict, Verdict::Comfortable);
}

#[test]
fn the_system_keeps_four_gigabytes() {
    let small = mac("Apple M2 Max", None, 8);
    let with_peak = |bytes| {
        let measurement = Measurement { peak_memory_bytes: Some(bytes), ..run(30.0, 3_000) };
        measured(Quality::Q4, Some(&small), &measurement).verdict
    };
    // 83 and 77 % of the budget of 5.7 GB; of 8.6 GB that leaves 3.8 and 4.2.
    assert_eq!(with_peak(4_750_000_000), Verdict::Tight);
    assert_eq!(with_peak(4_400_000_000), Verdict::Comfortable);
}

#[test]
fn a_few_frames_refuse_but_do_not_promise_and_no_frames_say_nothing() {
    let few = |p95_ms| Measurement { steps_measured: 5, ..run(p95_ms, 0) };
    assert_eq!(measured(Quality::Q4, None, &few(20.0)).verdict, Verdict::Unknown);
    assert_eq!(measured(Quality::Q4, None, &few(9_000.0)).verdict, Verdict::WillNotKeepUp);
    for nothing in [run(f64::NAN, 0), run(0.0, 0), Measurement { steps_measured: 0, ..run(20.0, 0) }] {
        let fit = measured(Quality::Q4, None, &nothing);
        assert_eq!((fit.verdict, fit.frame_full_ms), (Verdict::Unknown, None), "{nothing:?}");
    }
}

#[test]
fn a_fit_is_written_as_json() {
    let json = serde_json::to_value(verdict(Quality::Q8, &mac("Apple M3", None, 24))).unwrap();
    assert_eq!(json["quality"], "q8");
    assert_eq!(json["verdict"], "will_not_keep_up");
    assert_eq!(json["basis"], "estimated");
    assert!(json["frame_full_ms"].as_f64().unwrap() > 80.0);
    assert!(json["reasons"].as_array().unwrap().len() >= 4);
}
