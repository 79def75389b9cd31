import type { ModelView, Problem, ProblemAction, Settings, TalkView } from "./bindings";
import type { Key } from "./strings/catalog";

const KNOWN: Record<string, { message: Key; hint?: Key }> = {
  talk_too_slow: { message: "problem.talk_too_slow", hint: "problem.talk_too_slow.hint" },
  microphone_denied: { message: "problem.microphone_denied", hint: "problem.microphone_denied.hint" },
  microphone_silent: { message: "problem.microphone_silent", hint: "problem.microphone_silent.hint" },
  microphone_lost: { message: "problem.microphone_lost", hint: "problem.device_lost.hint" },
  speaker_lost: { message: "problem.speaker_lost", hint: "problem.device_lost.hint" },
  sound_service: { message: "problem.sound_service", hint: "problem.sound_service.hint" },
  engine_hangs: { message: "problem.engine_hangs", hint: "problem.engine_hangs.hint" },
  recording_failed: { message: "problem.recording_failed", hint: "problem.recording_failed.hint" },
  model_missing: { message: "problem.model_missing", hint: "problem.model_missing.hint" },
  model_damaged: { message: "problem.model_damaged", hint: "problem.model_damaged.hint" },
  disk_full: { message: "problem.disk_full", hint: "problem.disk_full.hint" },
  offline: { message: "problem.offline", hint: "problem.offline.hint" },
  engine_failed: { message: "problem.engine_failed", hint: "problem.engine_failed.hint" },
  load_failed: { message: "problem.load_failed", hint: "problem.load_failed.hint" },
  recording_stopped: { message: "problem.recording_stopped", hint: "problem.recording_stopped.hint" },
  memory_short: { message: "problem.memory_short", hint: "problem.memory_short.hint" },
  hot: { message: "problem.hot", hint: "problem.hot.hint" },
  invalid_speech: { message: "problem.invalid_speech" },
  shortcut: { message: "problem.shortcut", hint: "problem.shortcut.hint" },
  login_item: { message: "problem.login_item", hint: "problem.login_item.hint" },
  model_ready: { message: "news.model_ready", hint: "news.model_ready.hint" },
  device_fell_back: { message: "news.device_fell_back", hint: "news.device_fell_back.hint" },
};

/** What is worth a word, and no reason to worry. */
const NEWS = new Set(["model_ready", "device_fell_back"]);

export const ACTIONS: Record<ProblemAction, Key> = {
  retry: "action.retry",
  open_microphone_settings: "action.open_microphone_settings",
  choose_microphone: "action.choose_microphone",
  choose_speaker: "action.choose_speaker",
  switch_to_q4: "action.switch_to_q4",
  download: "action.download",
  verify: "action.verify",
  open_library: "action.open_library",
};

/** What to say of a problem: our words where its code is known, otherwise those of Rust. */
export function wording(problem: Problem, say: (key: Key) => string): { message: string; hint: string | null } {
  const known = Object.hasOwn(KNOWN, problem.code) ? KNOWN[problem.code] : undefined;
  if (known === undefined) return { message: problem.message, hint: problem.hint };
  return { message: say(known.message), hint: known.hint === undefined ? null : say(known.hint) };
}

export function isNews(problem: Problem): boolean {
  return NEWS.has(problem.code);
}

/** The model that a problem of a talk is about: the one that failed to load, or the chosen one that was not even tried. */
export function modelOf(problem: Problem, talk: TalkView | null, settings: Settings | null): string | null {
  return (problem.code === "load_failed" ? talk?.model : settings?.model) ?? null;
}

/** The q4 of the voice that is in use; of any voice if it is in doubt. */
export function q4Of(models: readonly ModelView[]): ModelView | null {
  const released = models.filter((model) => model.quality === "q4" && !model.is_built_in);
  const voice = models.find((model) => model.is_chosen)?.voice;
  return released.find((model) => model.voice === voice) ?? released[0] ?? null;
}
