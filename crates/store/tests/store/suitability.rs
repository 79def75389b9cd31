//! What was measured on a machine replaces what was estimated for it, and for no other.

use moshibar_store::{Basis, Machine, Measurement, Quality, StoreError, Verdict};
use moshibar_test_hub::Behaviour;

use crate::rig::{Rig, tiny};

#[test]
fn a_measurement_replaces_the_estimate_on_its_machine_until_the_model_is_removed() {
    let rig = Rig::new(Behaviour::default());
    let store = rig.store();
    let here = Machine { processor: Some("A".into()), memory_bytes: Some(64 << 30), ..Machine::default() };
    let there = Machine { processor: Some("B".into()), ..here.clone() };
    let basis = |machine: &Machine| store.fit(&tiny(), Quality::Q4, machine).basis;
    let fast = Measurement {
        p95_ms: 20.0,
        steps_measured: 100,
        context_now_frames: 8,
        context_full_frames: 3_000,
        peak_memory_bytes: Some(7_000_000_000),
    };
    assert!(matches!(store.keep_measurement(&tiny(), &here, &fast), Err(StoreError::NotInstalled { .. })));
    rig.pull().unwrap();
    assert_eq!(basis(&here), Basis::Estimated);
    store.keep_measurement(&tiny(), &here, &fast).unwrap();
    let fit = store.fit(&tiny(), Quality::Q4, &here);
    assert_eq!((fit.basis, fit.verdict), (Basis::Measured, Verdict::Comfortable), "{fit:?}");
    assert_eq!(basis(&there), Basis::Estimated);
    rig.assert_right(&rig.pull().unwrap());
    store.remove(&tiny()).unwrap();
    assert_eq!(basis(&here), Basis::Estimated);
}
