//! Completes recordings whose process died: the words that only the journal has, the true length of the sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use moshibar_audio::{AudioError, GrowingWav, SystemClock};
use serde_json::{Value, json};

use crate::recording::error::RecordingError;
use crate::recording::folder::{TALK, TalkFolder, sweep};
use crate::recording::talk_file::{SoundFile, write_json};
use crate::recording::words::Words;

/// Completes every unfinished recording in `directory`, and returns their folders. Those that go on right now, in this
/// process or another, are left alone. A `directory` that is not there has none.
///
/// To be called before a recording starts: it reads and writes as much as those recordings have words.
pub fn recover_recordings(directory: impl AsRef<Path>) -> Vec<Result<PathBuf, RecordingError>> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    let recover = |folder: PathBuf| match recover(&folder) {
        Ok(true) => Some(Ok(folder)),
        Ok(false) => None,
        Err(reason) => Some(Err(RecordingError::NotRecovered { folder, reason: Arc::new(reason) })),
    };
    folders.into_iter().filter_map(recover).collect()
}

/// Whether there was something to do.
fn recover(folder: &Path) -> Result<bool, AudioError> {
    let Some(words) = Words::abandoned(folder, Arc::new(SystemClock::default()))? else { return Ok(false) };
    sweep(folder).map_err(|reason| AudioError::writing(folder, reason))?;
    let mut sound: Vec<SoundFile> = Vec::new();
    let mut start = Duration::ZERO;
    for file in (1..).map(TalkFolder::sound_name).take_while(|file| folder.join(file).exists()) {
        let duration = GrowingWav::reopen(folder.join(&file))?.finish()?;
        sound.push(SoundFile { file, start, duration });
        start += duration;
    }
    let path = folder.join(TALK);
    let content = fs::read(&path).map_err(|reason| AudioError::reading(&path, reason))?;
    let mut talk: Value = serde_json::from_slice(&content).unwrap_or_else(|_| json!({}));
    if let Some(talk) = talk.as_object_mut() {
        // A recording that stopped because the disk was full says so already.
        if talk.get("state").is_none_or(|state| state == "recording") {
            talk.insert("state".to_owned(), "recovered".into());
        }
        talk.insert("sound".to_owned(), json!(sound));
        talk.insert("seconds".to_owned(), start.as_secs_f64().into());
        talk.insert("frames".to_owned(), json!((start.as_secs_f64() * 12.5).round() as u64));
    }
    write_json(folder, &talk)?;
    words.finish()?;
    Ok(true)
}
