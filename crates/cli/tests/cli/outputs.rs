//! The files of a talk: lengths, channels, formats, transcripts, the trace; and that they come whole or not at all.

use std::path::Path;

use moshibar_audio::read_wav;
use serde_json::Value;

use crate::program::{command, demo, json, names_in, run};
use crate::spoken::{RATE_HZ, Spoken, onset_seconds};

fn talk(arguments: &[&str], folder: &Path) -> Value {
    talk_of(&demo("green"), arguments, folder)
}

fn talk_of(question: &Path, arguments: &[&str], folder: &Path) -> Value {
    let mut all = vec!["talk", question.to_str().unwrap(), "--greedy", "--device", "cpu"];
    let paths: Vec<String> = arguments
        .iter()
        .map(|argument| if argument.contains('.') { in_folder(folder, argument) } else { (*argument).to_owned() })
        .collect();
    all.extend(paths.iter().map(String::as_str));
    json(all)
}

fn in_folder(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// (channels, bits, format tag, frames) of a WAV file, from its header.
fn form(path: &Path) -> (u16, u16, u16, usize) {
    let bytes = std::fs::read(path).unwrap();
    let number = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let data = bytes.windows(4).position(|window| window == b"data").unwrap();
    let length = u32::from_le_bytes(bytes[data + 4..data + 8].try_into().unwrap()) as usize;
    let (channels, bits) = (number(22), number(34));
    (channels, bits, number(20), length / usize::from(channels * bits / 8))
}

#[test]
fn reply_is_as_long_as_input_and_tail_in_whole_frames() {
    let folder = tempfile::tempdir().unwrap();
    let input = read_wav(demo("green")).unwrap().at_engine_rate().unwrap();
    let summary = talk(&["-o", "reply.wav", "--tail", "1"], folder.path());
    let frames = (input.len() + 24_000).div_ceil(1_920);
    assert_eq!(summary["frames"], frames);
    assert_eq!(form(&folder.path().join("reply.wav")), (1, 16, 1, frames * 1_920));
    assert_eq!(names_in(folder.path()), ["reply.wav"], "nothing else is left");
}

#[test]
fn stereo_has_the_user_left_and_moshi_right() {
    let folder = tempfile::tempdir().unwrap();
    talk(&["-o", "mono.wav", "--float"], folder.path());
    talk(&["-o", "both.wav", "--float", "--stereo"], folder.path());
    let samples = |name: &str| -> Vec<f32> {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let data = bytes.windows(4).position(|window| window == b"data").unwrap() + 8;
        bytes[data..].chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect()
    };
    let (mono, both) = (samples("mono.wav"), samples("both.wav"));
    let user = read_wav(demo("green")).unwrap().at_engine_rate().unwrap();
    assert_eq!(both.len(), 2 * mono.len());
    let side = |side: usize| both.iter().skip(side).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!(side(0)[..user.len()], user[..]);
    assert!(side(0)[user.len()..].iter().all(|sample| *sample == 0.0), "after the user there is silence");
    assert_eq!(side(1), mono);
}

#[test]
fn transcripts_say_what_was_said_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let spoken = Spoken::first();
    let question = spoken.write(folder.path());
    let summaries = ["t.md", "t.srt", "t.json"]
        .map(|name| talk_of(&question, &["-o", "reply.wav", "--transcript", name], folder.path()));
    let json: Value = serde_json::from_str(&text(folder.path(), "t.json")).unwrap();
    spoken.assert_answered(&json["words"]);
    let words: Vec<_> = json["words"].as_array().unwrap().iter().map(|word| word["text"].as_str().unwrap()).collect();
    assert!(summaries.iter().all(|summary| summary["text"] == words.join(" ")), "{words:?}");
    let starts: Vec<_> =
        json["words"].as_array().unwrap().iter().map(|word| word["start_seconds"].as_f64().unwrap()).collect();
    assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");

    // What was said last is a line of its own: the answer, whatever came before it.
    let onset = onset_seconds(&spoken.after_a_pause(), RATE_HZ);
    let answer = words.iter().zip(&starts).filter(|(_, start)| **start >= onset).map(|(word, _)| *word);
    let answer = answer.collect::<Vec<_>>().join(" ");
    assert!(text(folder.path(), "t.md").ends_with(&format!("{answer}\n")), "{}", text(folder.path(), "t.md"));
    let srt = text(folder.path(), "t.srt");
    let lines: Vec<_> = srt.trim_end().lines().collect();
    assert_eq!((lines[0], lines.last()), ("1", Some(&answer.as_str())));
    assert!(lines[1].contains(" --> 00:00:"), "{srt}");
}

#[test]
fn trace_has_a_span_per_stage_and_frame_and_changes_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let plain = talk(&["-o", "reply.wav"], folder.path());
    let traced = talk(&["-o", "traced.wav", "--trace", "trace.json"], folder.path());
    assert_eq!(plain["words"], traced["words"]);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("reply.wav"), read("traced.wav"));
    let trace: Value = serde_json::from_str(&text(folder.path(), "trace.json")).unwrap();
    let spans: Vec<&Value> =
        trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X").collect();
    let count = |name: &str| spans.iter().filter(|span| span["name"] == name).count();
    let frames = traced["frames"].as_u64().unwrap() as usize;
    let stages = traced["metrics"]["stages"].as_array().unwrap();
    assert!(stages.len() >= 3, "{stages:?}");
    for stage in stages {
        let name = stage["stage"].as_str().unwrap();
        assert_eq!(count(name), stage["count"].as_u64().unwrap() as usize, "{name}");
    }
    assert_eq!(spans.iter().filter(|span| span["name"] == "frame").count(), frames);
    assert!(spans.iter().all(|span| span["ts"].is_number() && span["dur"].as_f64().unwrap() >= 0.0));
}

#[test]
fn people_read_the_answer_and_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let reply = folder.path().join("reply.wav");
    let green = demo("green");
    let arguments = ["talk", green.to_str().unwrap(), "-o", reply.to_str().unwrap(), "--greedy", "--device", "cpu"];
    let output = run(arguments);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let words = talk(&["-o", "again.wav"], folder.path())["text"].as_str().unwrap().to_owned();
    assert!(!words.is_empty() && said.contains(&format!("Moshi said: {words}")), "{words}, {said}");
    assert!(said.contains("(p50)") && said.contains(reply.to_str().unwrap()), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "no progress bar where there is no terminal");
}

#[cfg(unix)]
#[test]
fn interrupted_talk_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = command();
    talk.args(["talk", "--device", "cpu", "--tail", "3600", "--greedy"]);
    talk.arg(demo("green")).arg("-o").arg(folder.path().join("reply.wav"));
    let mut talk = talk.arg("--quiet").spawn().unwrap();
    // By the time that the reply has grown, the talk is under way.
    let has_begun = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum::<u64>() > 100_000
    };
    while !has_begun() {
        assert_eq!(talk.try_wait().unwrap(), None, "the talk is over already");
        std::thread::park_timeout(std::time::Duration::from_millis(10));
    }
    assert_eq!(names_in(folder.path()).len(), 1, "the reply is being written under another name");
    let kill = std::process::Command::new("kill").args(["-INT", &talk.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(talk.wait().unwrap().code(), Some(130));
    assert_eq!(names_in(folder.path()), [""; 0]);
}
