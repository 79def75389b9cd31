import type { ModelView, Permission, Settings, Snapshot, TalkDetail, TalkEntry } from "./bindings";

export type Window = "popover" | "settings" | "history" | "welcome";
export type Tab = "quality" | "sound" | "talk" | "recording" | "general";

/**
 * What Rust can be asked for: name, then arguments and answer. A test of the shell compares the names with its own.
 * `subscribe` is given a `Channel<UiEvent>`.
 */
export interface Commands {
  subscribe: [{ channel: unknown }, null];
  snapshot: [object, Snapshot];
  start_talk: [object, null];
  end_talk: [object, null];
  set_muted: [{ on: boolean }, null];
  set_hushed: [{ on: boolean }, null];
  set_paused: [{ on: boolean }, null];
  hold_talk_key: [{ down: boolean }, null];
  start_sound_check: [object, null];
  end_sound_check: [object, null];
  choose_model: [{ name: ModelView["name"] }, null];
  pull_model: [{ name: ModelView["name"] }, null];
  verify_model: [{ name: ModelView["name"] }, null];
  remove_model: [{ name: ModelView["name"] }, number];
  pause_job: [{ name: ModelView["name"] }, null];
  resume_job: [{ name: ModelView["name"] }, null];
  cancel_job: [{ name: ModelView["name"] }, null];
  unload_model: [object, null];
  save_settings: [{ settings: Settings }, Settings];
  choose_folder: [object, string | null];
  import_model: [{ name: ModelView["name"]; folder: string }, null];
  list_talks: [{ query: string }, TalkEntry[]];
  open_talk: [{ id: TalkEntry["id"] }, TalkDetail];
  export_talk: [{ id: TalkEntry["id"]; format: "markdown" | "srt" | "json" }, string];
  delete_talk: [{ id: TalkEntry["id"] }, null];
  ask_permission: [object, Permission];
  open_system_settings: [{ pane: "microphone" | "login_items" }, null];
  write_diagnostics: [{ with_sound: boolean }, string];
  open_window: [{ window: Window; tab: Tab | null }, null];
  fit_popover: [{ height: number }, null];
  quit: [object, null];
}
