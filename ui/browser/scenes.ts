/** The panes worth a look: for eyes that check the looks, and for rules that check the access. */
import type { Window } from "../src/commands";
import { frame, frames, here, job, linux, model, nano, pace, problem, said, talk } from "./samples.ts";
import { refuse } from "./shell.ts";
import type { Opened, Opening } from "./window.ts";

export interface Scene {
  name: string;
  window: Window;
  opening?: Opening;
  /** What somebody does until it looks like this. */
  arrange?: (opened: Opened) => Promise<void>;
  /** Not worth a picture. */
  isForRulesOnly?: boolean;
}

const tab = (name: string) => async ({ page }: Opened) => page.getByRole("tab", { name }).click();

const fresh: Opening = { snapshot: { models: [nano, model("moshiko", "q4"), model("moshiko", "q8")], permission: "undetermined" }, settings: { first_run_done: false } };

/** Steps of the welcome, by what is pressed. */
const pressing = (...names: string[]) => async ({ press }: Opened) => {
  for (const name of names) await press(name);
};

export const SCENES: Scene[] = [
  { name: "popover-idle", window: "popover" },
  {
    name: "popover-loading", window: "popover",
    opening: { snapshot: { talk: talk("loading", { loading: { done_bytes: 2.236e9, total_bytes: 5.2e9 } }) } },
  },
  {
    name: "popover-listening", window: "popover", opening: { snapshot: { talk: talk("listening"), captions: said.slice(0, 7) } },
    arrange: async ({ tell }) => tell(...frames(40), frame(40, { user_level: 0.2, moshi_level: 0, moshi_speaks: false }), { kind: "pace", pace }),
  },
  {
    name: "popover-talking", window: "popover", opening: { snapshot: { talk: talk("listening"), captions: said } },
    arrange: async ({ tell }) => tell(...frames(130), { kind: "pace", pace }),
  },
  {
    name: "popover-push-to-talk", window: "popover",
    opening: { snapshot: { talk: talk("muted", { push_to_talk: true, hushed: true }), captions: said } },
    arrange: async ({ tell }) => tell(...frames(60), { kind: "pace", pace }),
  },
  {
    name: "popover-problem", window: "popover",
    opening: {
      snapshot: {
        talk: talk("failed", { problem: problem("microphone_denied", "open_microphone_settings") }),
        models: [nano, model("moshiko", "q8", { is_chosen: true, job: job() })],
      },
    },
    arrange: async ({ tell }) => tell({ kind: "notice", code: "model_ready", message: "moshiko-q4 is here" }),
  },
  {
    name: "popover-french", window: "popover", isForRulesOnly: true,
    opening: { settings: { language: "fr" }, snapshot: { talk: talk("paused", { push_to_talk: true, problem: problem("talk_too_slow", "switch_to_q4") }), captions: said } },
    arrange: async ({ tell }) => tell(...frames(90), frame(90, { took_ms: 131, backlog_frames: 12 }), { kind: "pace", pace: { ...pace, p95_ms: 112, dropped_frames: 25 } }),
  },
  { name: "settings-quality", window: "settings" },
  {
    name: "settings-quality-problems", window: "settings", isForRulesOnly: true,
    opening: {
      snapshot: {
        models: [
          nano,
          model("moshiko", "q4", { ...here("q4"), state: { name: "damaged", what: "model.q4.safetensors" } }),
          model("moshiko", "q8", { state: { name: "partial" }, present_bytes: 3.68e9, job: job({ problem: problem("disk_full") }) }),
          model("moshiko", "bf16", { is_chosen: true, ...here("bf16"), job: job({ kind: "verify", phase: { name: "starting" }, total_bytes: 0 }) }),
        ],
      },
    },
    arrange: async ({ page }) => page.getByText("Why?").first().click(),
  },
  {
    name: "settings-delete", window: "settings", isForRulesOnly: true, opening: { snapshot: { models: [nano, model("moshiko", "q4", here("q4"))] } },
    arrange: pressing("Delete moshiko-q4"),
  },
  { name: "settings-sound", window: "settings", opening: { settings: { microphone: "mic-studio" } }, arrange: tab("Sound") },
  {
    name: "settings-talk", window: "settings", opening: { settings: { push_to_talk: true } },
    arrange: async (opened) => {
      await tab("Talk")(opened);
      await opened.page.getByText("Advanced").click();
    },
  },
  { name: "settings-recording", window: "settings", opening: { settings: { record: true } }, arrange: tab("Recording") },
  { name: "settings-general", window: "settings", arrange: tab("General") },
  {
    name: "settings-refused", window: "settings", isForRulesOnly: true, opening: { settings: { language: "fr" }, arrange: (shell) => (shell.answers.save_settings = refuse("settings", "The disk is full.")) },
    arrange: async ({ page }) => {
      await page.getByRole("tab", { name: "Général" }).click();
      await page.getByRole("switch").first().click();
      await page.getByRole("alert").first().waitFor();
    },
  },
  {
    name: "history-talk", window: "history", opening: { snapshot: { about: linux } },
    arrange: async ({ page }) => {
      await page.getByRole("navigation").getByRole("button").first().click();
      const audio = page.locator("audio");
      await page.waitForFunction(() => (document.querySelector("audio")?.readyState ?? 0) > 0);
      await page.getByRole("button", { name: /^clear/ }).click();
      await audio.evaluate((sound) => (sound as HTMLAudioElement).pause());
      await page.locator("[data-word][aria-current]").waitFor();
    },
  },
  { name: "history-list", window: "history" },
  { name: "history-empty", window: "history", opening: { arrange: (shell) => (shell.answers.list_talks = () => []) } },
  { name: "welcome-about", window: "welcome", opening: fresh },
  { name: "welcome-quality", window: "welcome", opening: fresh, arrange: pressing("Continue") },
  { name: "welcome-microphone", window: "welcome", opening: fresh, arrange: pressing("Continue", "Not now: only nano") },
  {
    name: "welcome-ready", window: "welcome",
    opening: { ...fresh, snapshot: { ...fresh.snapshot, permission: "not_needed", models: [nano, model("moshiko", "q4", { job: job() })] } },
    arrange: pressing("Continue", "Continue"),
  },
];

/** Opens a window and does what somebody does there. */
export async function play(open: (window: Window, opening?: Opening) => Promise<Opened>, scene: Scene, opening: Opening = {}): Promise<Opened> {
  const opened = await open(scene.window, { ...scene.opening, ...opening });
  await scene.arrange?.(opened);
  return opened;
}
