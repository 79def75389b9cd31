/** What Rust could tell: a Mac of the middle class (M3 Pro, 36 GB) with a model, one on its way, and a few talks. */
import type { About, DeviceView, FitView, JobView, ModelView, Pace, Problem, ProblemAction, Settings, Snapshot, TalkDetail, TalkEntry, TalkView, UiEvent, WordView } from "../src/bindings";

const GB = 1e9;

export const settings = (change: Partial<Settings> = {}): Settings => ({
  version: 1, model: "moshiko-q4", microphone: null, speaker: null, echo: "auto", noise_suppression: false, temperature: null,
  text_temperature: null, top_k: null, seed: null, context: null, push_to_talk: false, skip_greeting: false, record: false,
  recordings_folder: null, keep_days: null, launch_at_login: false, show_pace_in_menu_bar: true, show_captions: true,
  unload_after_minutes: 10, shortcut_talk: "Alt+Command+KeyM", shortcut_mute: null, shortcut_push_to_talk: null, language: "en",
  first_run_done: true, ...change,
});

export const talk = (state: TalkView["state"], change: Partial<TalkView> = {}): TalkView => ({
  state, model: "moshiko-q4", seconds: 0, muted: state === "muted", hushed: false, paused: state === "paused", push_to_talk: false,
  loaded: state !== "idle" && state !== "failed", is_sound_check: false, loading: null, problem: null, ...change,
});

export const problem = (code: string, action: ProblemAction | null = null): Problem => ({ code, message: "as Rust says it", hint: "as Rust hints", action });

const FITS: Record<ModelView["quality"], FitView> = {
  q4: {
    verdict: "comfortable", basis: "measured", memory_needed_bytes: 7.2 * GB, memory_budget_bytes: 28.9 * GB, frame_empty_ms: 48, frame_full_ms: 61,
    reasons: ["Memory: 6.94 GB at most, measured", "That is 24 % of 28.99 GB (3/4 of 36 GiB, which macOS lets a GPU use)", "At most 61 of 80 ms: room for heat and other programs"],
  },
  q8: {
    verdict: "will_not_keep_up", basis: "estimated", memory_needed_bytes: 10.5 * GB, memory_budget_bytes: 28.9 * GB, frame_empty_ms: 76, frame_full_ms: 90,
    reasons: ["That is 36 % of 28.99 GB (3/4 of 36 GiB, which macOS lets a GPU use)", "A frame takes longer than the 80 ms it lasts from 1 min 08 s into a talk on, 90 ms at full context", "Estimated, not measured: `moshibar models check` measures it"],
  },
  bf16: {
    verdict: "will_not_keep_up", basis: "estimated", memory_needed_bytes: 17.9 * GB, memory_budget_bytes: 28.9 * GB, frame_empty_ms: 137, frame_full_ms: 152,
    reasons: ["A frame takes longer than the 80 ms it lasts from the first frame on, 152 ms at full context"],
  },
};
const SIZES: Record<ModelView["quality"], number> = { q4: 5.2 * GB, q8: 8.56 * GB, bf16: 15.79 * GB };

export const nano: ModelView = {
  name: "nano", voice: "nano", quality: "q8", licence: null, is_default: false, is_recommended: false, is_chosen: false, is_built_in: true,
  size_bytes: 9e6, present_bytes: 9e6, state: { name: "verified" }, fit: null, job: null,
};

export function model(voice: "moshiko" | "moshika", quality: ModelView["quality"], change: Partial<ModelView> = {}): ModelView {
  return {
    name: `${voice}-${quality}`, voice, quality, licence: "cc-by-4.0", is_default: voice === "moshiko" && quality === "q4", is_recommended: quality === "q4",
    is_chosen: false, is_built_in: false, size_bytes: SIZES[quality], present_bytes: 0, state: { name: "absent" }, fit: FITS[quality], job: null, ...change,
  };
}

/** A download at 43 %. */
export const job = (change: Partial<JobView> = {}): JobView => ({
  kind: "pull", phase: { name: "downloading" }, done_bytes: 3.68 * GB, total_bytes: 8.56 * GB, bytes_per_second: 38.4e6, seconds_left: 127,
  interruptions: 0, problem: null, ...change,
});

export const here = (quality: ModelView["quality"]): Partial<ModelView> => ({ state: { name: "verified" }, present_bytes: SIZES[quality] });

export const models = (): ModelView[] => [
  nano,
  model("moshiko", "q4", { ...here("q4"), is_chosen: true }),
  model("moshiko", "q8", { state: { name: "partial" }, present_bytes: 3.68 * GB, job: job() }),
  model("moshiko", "bf16"),
  model("moshika", "q4"),
  model("moshika", "q8"),
  model("moshika", "bf16"),
];

export const devices: DeviceView[] = [
  { id: "mic-built-in", name: "MacBook Pro Microphone", direction: "input", is_default: true, kind: "open" },
  { id: "mic-usb", name: "Yeti Stereo Microphone", direction: "input", is_default: false, kind: "open" },
  { id: "out-built-in", name: "MacBook Pro Speakers", direction: "output", is_default: true, kind: "open" },
  { id: "out-airpods", name: "AirPods Pro", direction: "output", is_default: false, kind: "headphones" },
];

export const mac: About = {
  version: "0.1.0", machine: "Apple M3 Pro", memory_bytes: 36 * 2 ** 30, library_folder: "/Users/ada/Library/Application Support/moshibar/models",
  free_bytes: 212.4 * GB, platform: "macos",
};
export const linux: About = { ...mac, machine: "AMD Ryzen 9 7950X", library_folder: "/home/ada/.local/share/moshibar/models", platform: "linux" };

export const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  talk: talk("idle"), pace: null, captions: [], models: models(), devices, settings: settings(), permission: "granted", about: mac, ...change,
});

export const pace: Pace = { p50_ms: 51.6, p95_ms: 55.9, max_ms: 63, backlog_frames: 0, dropped_frames: 0, memory_bytes: 6.9 * GB };

type Frame = Extract<UiEvent, { kind: "frame" }>;

export const frame = (index: number, change: Partial<Frame> = {}): Frame => ({
  kind: "frame", index, took_ms: 52, backlog_frames: 0, user_level: 0.02, moshi_level: 0.3, moshi_speaks: true, ...change,
});

/** Frames as an M3 Pro answers them: about 52 ms, with a little unrest that is the same in every run. */
export function frames(count: number): Frame[] {
  return Array.from({ length: count }, (_, index) =>
    frame(index, { took_ms: 52 + 2.5 * Math.sin(index * 1.7) + 1.8 * Math.sin(index * 0.23) + (index % 41 === 17 ? 7 : 0) }));
}

export function words(text: string, from = 0, speaker: WordView["speaker"] = "moshi"): WordView[] {
  return text.split(" ").map((word, place) => ({ speaker, text: ` ${word}`, start_seconds: from + place * 0.32 }));
}

export const said: WordView[] = [
  ...words("Hey, what’s up? I’m doing great, thanks.", 1.2),
  ...words("Oh, I love the mountains. The air up there is so clear, and in the morning you can see all the way down to the lake.", 6.5),
];

export const talks: TalkEntry[] = [
  { id: "2026-11-25 18.04.31", began: "2026-11-25T18:04:31+01:00", seconds: 754, model: "moshiko-q4", words: 911, first_words: "Hey, what’s up? I’m doing great, thanks. Oh, I love the mountains. The air up there is so clear" },
  { id: "2026-11-24 09.12.05", began: "2026-11-24T09:12:05+01:00", seconds: 128, model: "moshiko-q4", words: 143, first_words: "Good morning! Did you sleep well? I was just thinking about breakfast" },
  { id: "2026-11-20 21.40.00", began: "2026-11-20T21:40:00+01:00", seconds: 31, model: "nano", words: 6, first_words: "Hello. Seven. Good night." },
];

export const detail = (entry: TalkEntry): TalkDetail => ({
  entry, words: said, sound_url: entry.model === "nano" ? null : `talk://localhost/${encodeURIComponent(entry.id)}`,
});

/** What every recorded talk sounds like here: a WAV of 8 bits at 8 kHz. */
export function silence(seconds: number): Buffer {
  const rate_hz = 8_000;
  const samples = Buffer.alloc(seconds * rate_hz, 128);
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.length, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // one channel
  header.writeUInt32LE(rate_hz, 24);
  header.writeUInt32LE(rate_hz, 28); // bytes a second
  header.writeUInt16LE(1, 32); // bytes a sample
  header.writeUInt16LE(8, 34); // bits a sample
  header.write("data", 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
