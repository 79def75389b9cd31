//! One performance: a program hears what is played and speaks, and both are recorded side by side.

use std::time::Duration;

use crate::rig::{Rig, Talking, pause};
use crate::signal;

/// What the tools of PipeWire hold ready, so that a moment without the processor harms neither player nor recorder.
const TOOL_LATENCY: &str = "200ms";

/// Performances that the rig or a busy machine may spoil, of which nothing can be learned, before a
/// test gives up.
pub(crate) const MOST_SPOILED: usize = 5;

/// What was heard and played.
pub(crate) struct Performance {
    /// At the microphone, after whatever happened to the player.
    pub(crate) heard: Vec<f32>,
    /// At the speaker.
    pub(crate) played: Vec<f32>,
}

/// Starts `moshibar live` in a rig, with an engine that copies its input, and waits until it listens. Without echo
/// cancellation: what comes back is meant to be what was said.
pub(crate) fn start_copier(rig: &Rig) -> Talking {
    rig.start_talk(["--loopback", "--echo", "off"])
}

/// Plays `samples` into the microphone while the program runs, and waits `tail` for its last words.
pub(crate) fn perform(rig: &Rig, samples: &[f32], tail: Duration) -> Performance {
    let folder = tempfile::tempdir().unwrap();
    let (sent, recording) = (folder.path().join("sent.wav"), folder.path().join("recording.wav"));
    signal::write(&sent, samples);
    let common = ["--target", "0", "--latency", TOOL_LATENCY, "-P"];
    let recorder = rig.spawn(
        "pw-cat",
        ["-r", "--channels", "2", "--rate", "48000", "--format", "s16"]
            .into_iter()
            .chain(common)
            .chain(["{ node.name = probe }", recording.to_str().unwrap()]),
    );
    rig.link("moshibar-microphone:capture_MONO", "probe:input_FL");
    rig.link("moshibar-speaker:monitor_FL", "probe:input_FR");
    rig.until_somebody_talks();
    let player =
        rig.spawn("pw-cat", ["-p"].into_iter().chain(common).chain(["{ node.name = player }", sent.to_str().unwrap()]));
    rig.link("player:output_MONO", "moshibar-feed:playback_MONO");
    player.finish();
    pause(tail);
    recorder.interrupt();
    let [heard, played] = signal::read(&recording);
    Performance { heard, played }
}
