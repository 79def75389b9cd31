import type {
  About, CommandError, DeviceView, ModelView, Pace, Permission, Problem, Settings, Snapshot, TalkView, UiEvent, WordView,
} from "./bindings";
import { FRAME_SECONDS, FRAMES_A_PICTURE, FrameRing } from "./frames";
import { asCommandError, call, closeWindow, subscribe, type Arguments, type CommandName, type Result } from "./ipc";

/** Words that the popover remembers; the history has all of them. */
const MOST_WORDS = 200;

/** All that this window knows. Written only by events from Rust and by failed commands; views read it. */
export class App {
  talk = $state.raw<TalkView | null>(null);
  pace = $state.raw<Pace | null>(null);
  words = $state.raw<WordView[]>([]);
  /** How many words were forgotten: the place of `words[0]` among all. */
  forgottenWords = $state(0);
  models = $state.raw<ModelView[]>([]);
  devices = $state.raw<DeviceView[]>([]);
  settings = $state.raw<Settings | null>(null);
  permission = $state.raw<Permission>("undetermined");
  about = $state.raw<About | null>(null);
  /** The last thing that went wrong outside of a talk, or the last news. */
  notice = $state.raw<Problem | null>(null);

  lastFrame = $state.raw<{ index: number; backlog_frames: number } | null>(null);
  levels = $state.raw({ user: 0, moshi: 0 });
  moshiSpeaks = $state(false);
  /** Frames of this talk that this window was told of. */
  frameCount = $state(0);
  /** Changes with every fifth frame, for what draws `frames`. */
  readonly pictureCount = $derived(Math.ceil(this.frameCount / FRAMES_A_PICTURE));
  readonly frames = new FrameRing();
  /** The part of the settings that somebody wants to see. An object: the same one may be wanted again. */
  wantedTab = $state.raw<{ tab: string } | null>(null);
  /** Counts up when talks were recorded or deleted. */
  historyCount = $state(0);
  /** Counts up when a change of the settings was refused: fields then show again what counts. */
  refusedCount = $state(0);

  get inTalk(): boolean {
    return this.talk !== null && ["listening", "muted", "paused"].includes(this.talk.state);
  }

  get inSoundCheck(): boolean {
    return this.talk !== null && this.talk.is_sound_check && (this.inTalk || this.talk.state === "loading");
  }

  get elapsedSeconds(): number {
    const told = this.talk?.seconds ?? 0;
    return this.inTalk && this.lastFrame !== null ? Math.max(told, (this.lastFrame.index + 1) * FRAME_SECONDS) : told;
  }

  get chosenModel(): ModelView | null {
    return this.models.find((model) => model.is_chosen) ?? null;
  }

  take(event: UiEvent): void {
    switch (event.kind) {
      case "snapshot": return this.#takeSnapshot(event.snapshot);
      case "talk": return this.#takeTalk(event.talk);
      case "frame": return this.#takeFrame(event);
      case "word": return this.#takeWord(event.word);
      case "pace": this.pace = event.pace; return;
      case "models": this.models = event.models; return;
      case "devices": this.devices = event.devices; return;
      case "settings": this.settings = event.settings; return;
      case "permission": this.permission = event.permission; return;
      case "show_tab": this.wantedTab = { tab: event.tab }; return;
      case "history": this.historyCount += 1; return;
      case "notice": this.notice = { code: event.code, message: event.message, hint: null, action: null }; return;
    }
  }

  fail(error: CommandError): void {
    this.notice = { ...error, action: null };
  }

  dismissNotice(): void {
    this.notice = null;
  }

  #takeSnapshot(snapshot: Snapshot): void {
    this.talk = snapshot.talk;
    this.pace = snapshot.pace;
    this.words = snapshot.captions.slice(-MOST_WORDS);
    this.forgottenWords = snapshot.captions.length - this.words.length;
    this.models = snapshot.models;
    this.devices = snapshot.devices;
    this.settings = snapshot.settings;
    this.permission = snapshot.permission;
    this.about = snapshot.about;
  }

  #takeTalk(talk: TalkView): void {
    const began = talk.state === "loading" && !this.inTalk && this.talk?.state !== "loading";
    this.talk = talk;
    if (began) this.#forgetTalk();
    if (!this.inTalk) {
      this.levels = { user: 0, moshi: 0 };
      this.moshiSpeaks = false;
    }
  }

  #forgetTalk(): void {
    this.words = [];
    this.forgottenWords = 0;
    this.pace = null;
    this.lastFrame = null;
    this.frames.clear();
    this.frameCount = 0;
  }

  #takeFrame(frame: Extract<UiEvent, { kind: "frame" }>): void {
    this.frames.push(frame.took_ms);
    this.lastFrame = { index: frame.index, backlog_frames: frame.backlog_frames };
    this.levels = { user: frame.user_level, moshi: frame.moshi_level };
    this.moshiSpeaks = frame.moshi_speaks;
    this.frameCount += 1;
  }

  #takeWord(word: WordView): void {
    const words = [...this.words, word];
    // Forgets in large steps, so that lines do not break elsewhere with every word.
    if (words.length > 2 * MOST_WORDS) this.forgottenWords += words.splice(0, MOST_WORDS).length;
    this.words = words;
  }
}

export const app = new App();

export async function follow(): Promise<void> {
  try {
    await subscribe((event) => app.take(event));
  } catch (reason) {
    app.fail(asCommandError(reason));
  }
}

/** Asks Rust for something; a refusal becomes the notice of this window, and the answer is undefined. */
export async function act<Name extends CommandName>(name: Name, args: Arguments<Name>): Promise<Result<Name> | undefined> {
  try {
    return await call(name, args);
  } catch (reason) {
    app.fail(asCommandError(reason));
    return undefined;
  }
}

/** Changes settings. What Rust made of them comes back, corrected where it had to be. */
export async function change(settings: Partial<Settings>): Promise<void> {
  if (app.settings === null) return;
  const saved = await act("save_settings", { settings: { ...app.settings, ...settings } });
  if (saved === undefined) app.refusedCount += 1;
  else app.take({ kind: "settings", settings: saved });
}

export async function close(): Promise<void> {
  try {
    await closeWindow();
  } catch (reason) {
    app.fail(asCommandError(reason));
  }
}
