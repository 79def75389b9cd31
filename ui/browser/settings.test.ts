import { describe } from "vitest";

import type { JobView, ModelView, Settings } from "../src/bindings";
import type { Tab } from "../src/commands";
import { catalog } from "../src/strings/catalog";
import { devices, frame, here, job, linux as onLinux, model, models, nano, problem, snapshot, talk } from "./samples.ts";
import { refuse } from "./shell.ts";
import { asks, attribute, expect, saves, sees, test, type Open } from "./test.ts";
import type { Opened, Opening } from "./window.ts";

const TABS: Record<Tab, string> = { quality: "Quality", sound: "Sound", talk: "Talk", recording: "Recording", general: "General" };

const tab = ({ page }: Opened, name: string) => page.getByRole("tab", { name, exact: true });
const showing = (window: Opened) => window.page.getByRole("tab", { selected: true }).innerText();

async function openTab(open: Open, name: Tab, opening?: Opening): Promise<Opened> {
  const window = await open("settings", opening);
  await tab(window, TABS[name]).click();
  return window;
}

describe("the settings", () => {
  test("show one tab at a time, by pointer and by arrow keys", async ({ open }) => {
    const window = await open("settings");
    for (const name of Object.values(TABS)) {
      await tab(window, name).click();
      await window.page.getByRole("tabpanel", { name }).waitFor();
    }
    for (const [key, name] of [["ArrowRight", "Quality"], ["ArrowLeft", "General"], ["ArrowLeft", "Recording"], ["Home", "Quality"], ["End", "General"]] as const) {
      await window.page.keyboard.press(key);
      await expect.poll(() => showing(window), { message: key }).toBe(name);
      expect(await window.page.evaluate(() => document.activeElement?.textContent)).toBe(name);
    }
  });

  test("show again the tab that they showed last", async ({ open }) => {
    const window = await openTab(open, "recording");
    await window.page.reload();
    await expect.poll(() => showing(window)).toBe("Recording");
  });

  test("show the tab that somebody wants, as often as it is wanted", async ({ open }) => {
    const window = await open("settings");
    for (const wanted of ["sound", "sound", "no such tab"]) {
      await tab(window, "Talk").click();
      await window.tell({ kind: "show_tab", tab: wanted });
      await expect.poll(() => showing(window)).toBe(wanted === "sound" ? "Sound" : "Talk");
    }
  });

  test("wait for the first news", async ({ open }) => {
    const window = await open("settings", { isSilent: true });
    await sees(window.page.getByRole("status"), "One moment…");
    await window.tell({ kind: "snapshot", snapshot: snapshot() });
    await window.page.getByRole("article", { name: "Nano" }).waitFor();
  });

  const SWITCHES: { tab: Tab; name: string; field: keyof Settings; was: boolean }[] = [
    { tab: "sound", name: "Suppress noise", field: "noise_suppression", was: false },
    { tab: "talk", name: "Push to talk", field: "push_to_talk", was: false },
    { tab: "talk", name: "Skip the greeting", field: "skip_greeting", was: false },
    { tab: "recording", name: "Record talks", field: "record", was: false },
    { tab: "general", name: "Open at login", field: "launch_at_login", was: false },
    { tab: "general", name: "Show the pace in the menu bar", field: "show_pace_in_menu_bar", was: true },
    { tab: "general", name: "Show captions", field: "show_captions", was: true },
  ];

  test("have a switch for what is on or off", async ({ open }) => {
    const window = await open("settings");
    for (const { tab: of, name, field, was } of SWITCHES) {
      await tab(window, TABS[of]).click();
      const toggle = window.page.getByRole("switch", { name });
      await attribute(toggle, "aria-checked", String(was));
      await toggle.click();
      await saves(window, { [field]: !was });
      await attribute(toggle, "aria-checked", String(!was));
    }
  });

  test("show what counts when a change is refused", async ({ open }) => {
    const window = await openTab(open, "sound", {
      settings: { temperature: 0.8, recordings_folder: "/talks" },
      arrange: (shell) => (shell.answers.save_settings = refuse("settings", "The disk is full.")),
    });
    const { page } = window;
    await page.getByLabel("Microphone", { exact: true }).selectOption("mic-usb");
    await sees(page.getByRole("alert"), "The disk is full.");
    await expect.poll(() => page.getByLabel("Microphone", { exact: true }).inputValue()).toBe("");
    await tab(window, "Talk").click();
    await page.getByText("Advanced").click();
    await page.getByLabel("Temperature of the voice").fill("1.5");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByLabel("Temperature of the voice").inputValue()).toBe("0.8");
    await tab(window, "Recording").click();
    await page.getByLabel("Folder", { exact: true }).fill("/elsewhere");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByLabel("Folder", { exact: true }).inputValue()).toBe("/talks");
  });
});

describe("the models", () => {
  const card = ({ page }: Opened, name = "High quality (q8)") => page.getByRole("article", { name });
  const q8 = (change: Partial<ModelView>) => ({ snapshot: { models: [nano, model("moshiko", "q8", change)] } });

  const ABSENT = { "Download moshiko-q8, 8.6 GB": "pull_model" } as const;
  const PRESENT = { "Verify the files of moshiko-q8": "verify_model" } as const;
  const STATES: { name: string; change: Partial<ModelView>; says: string; buttons: Record<string, "pull_model" | "verify_model" | "choose_model"> }[] = [
    { name: "absent", change: {}, says: "Not downloaded", buttons: ABSENT },
    { name: "partial", change: { state: { name: "partial" }, present_bytes: 3.68e9 }, says: "3.7 GB of 8.6 GB downloaded", buttons: { "Go on downloading moshiko-q8": "pull_model", ...PRESENT } },
    { name: "verified", change: here("q8"), says: "Ready", buttons: { ...PRESENT, "Use moshiko-q8": "choose_model" } },
    { name: "unchecked", change: { ...here("q8"), state: { name: "unchecked" } }, says: "Here, not yet verified", buttons: { ...PRESENT, "Use moshiko-q8": "choose_model" } },
    {
      name: "damaged", change: { ...here("q8"), state: { name: "damaged", what: "model.q8.safetensors" } }, says: "Damaged: model.q8.safetensors",
      buttons: { ...ABSENT, ...PRESENT },
    },
  ];

  test.for(STATES)("that are $name say so, and have the buttons that help", async ({ change, says, buttons, name }, { open }) => {
    const window = await open("settings", q8(change));
    await sees(card(window), says);
    for (const [button, command] of Object.entries(buttons)) {
      await window.press(button);
      await asks(window, command, { name: "moshiko-q8" });
    }
    const all = await card(window).getByRole("button").count();
    expect(all, "with import where something is missing, delete where something is here").toBe(
      Object.keys(buttons).length + (name === "absent" ? 1 : 0) + (name === "verified" || name === "unchecked" ? 1 : 0) + (name === "partial" || name === "damaged" ? 2 : 0),
    );
  });

  const PHASES: { phase: JobView["phase"]; says: string }[] = [
    { phase: { name: "starting" }, says: "Starting…" },
    { phase: { name: "asking" }, says: "Asking the server…" },
    { phase: { name: "following" }, says: "Another program downloads it; following…" },
    { phase: { name: "checking" }, says: "Checking files…" },
    { phase: { name: "downloading" }, says: "Downloading" },
    { phase: { name: "waiting", reason: "the server does not answer" }, says: "Will try again soon: the server does not answer" },
    { phase: { name: "paused" }, says: "Paused" },
    { phase: { name: "finishing" }, says: "Finishing…" },
  ];

  test("say what is done with them, and how far it is", async ({ open }) => {
    const window = await open("settings", q8({ job: job() }));
    for (const { phase, says } of PHASES) {
      await window.tell({ kind: "models", models: [model("moshiko", "q8", { job: job({ phase, interruptions: 2 }) })] });
      await sees(card(window).getByRole("status"), says);
    }
    await attribute(window.page.getByRole("progressbar", { name: "Progress of moshiko-q8" }), "aria-valuenow", "43");
    await sees(card(window), "3.7 GB of 8.6 GB · 38 MB/s · 2 mins left · Interruptions so far: 2");
    await window.tell({ kind: "models", models: [model("moshiko", "q8", { job: job({ total_bytes: 0, bytes_per_second: null, seconds_left: null }) })] });
    await attribute(window.page.getByRole("progressbar"), "aria-valuenow", null);
  });

  test("rest, go on and are given up, without losing the focus", async ({ open }) => {
    const window = await open("settings", q8({ job: job() }));
    await window.press("Pause");
    await asks(window, "pause_job", { name: "moshiko-q8" });
    await window.tell({ kind: "models", models: [model("moshiko", "q8", { job: job({ phase: { name: "paused" } }) })] });
    await window.page.getByRole("button", { name: "Resume" }).waitFor();
    await window.page.keyboard.press("Enter");
    await asks(window, "resume_job", { name: "moshiko-q8" });
    await window.press("Cancel");
    await asks(window, "cancel_job", { name: "moshiko-q8" });
  });

  test("whose download broke off say why, and can be fetched again", async ({ open }) => {
    const stopped = job({ problem: { code: "disk_full", message: "", hint: null, action: null } });
    const window = await open("settings", q8({ state: { name: "partial" }, present_bytes: 3.68e9, job: stopped }));
    await sees(card(window).getByRole("alert"), "The disk is full.");
    expect(await card(window).getByRole("button", { name: "Cancel" }).count(), "there is nothing to cancel").toBe(0);
    await card(window).getByText("Go on downloading").click();
    await asks(window, "pull_model", { name: "moshiko-q8" });
  });

  test("are deleted only after a question", async ({ open }) => {
    const window = await open("settings", q8(here("q8")));
    const question = window.page.getByRole("alertdialog", { name: "Delete moshiko-q8?" });
    const refusals = [() => question.getByRole("button", { name: "Cancel" }).click(), () => window.page.keyboard.press("Escape")];
    for (const refusal of refusals) {
      await window.press("Delete moshiko-q8");
      await sees(question, "8.6 GB are freed.");
      await refusal();
      await question.waitFor({ state: "hidden" });
    }
    expect(window.shell.argumentsOf("remove_model")).toEqual([]);
    await window.press("Delete moshiko-q8");
    await question.getByRole("button", { name: "Delete" }).click();
    await asks(window, "remove_model", { name: "moshiko-q8" });
    await sees(card(window), "5.2 GB freed.");
  });

  test("are taken from a folder, if one is chosen", async ({ open }) => {
    const window = await open("settings", q8({}));
    await window.press("Import from folder: moshiko-q8");
    await asks(window, "choose_folder", {});
    window.shell.answers.choose_folder = () => "/Volumes/disk/moshi";
    await window.press("Import from folder: moshiko-q8");
    await asks(window, "import_model", { name: "moshiko-q8", folder: "/Volumes/disk/moshi" });
    expect(window.shell.argumentsOf("import_model")).toHaveLength(1);
  });

  test("tell whether they suit this computer, and why", async ({ open }) => {
    const window = await open("settings");
    await sees(card(window, "Fast (q4)"), "Recommended for this computer");
    await sees(card(window, "Fast (q4)"), "In use");
    await sees(card(window, "Fast (q4)"), "7.2 GB of 28.9 GB");
    for (const [verdict, says] of Object.entries({
      comfortable: "Runs comfortably", tight: "Runs, with little to spare", unknown: "Not known for this computer", will_not_keep_up: "Too slow on this computer",
      will_not_fit: "Needs more memory than this computer has",
    })) {
      const fit = { ...model("moshiko", "q8").fit, verdict } as ModelView["fit"];
      await window.tell({ kind: "models", models: [model("moshiko", "q8", { fit })] });
      await sees(card(window), says);
    }
    await sees(card(window), "Estimated");
    await window.page.getByText("Why?").click();
    await sees(card(window), /^A frame takes longer/);
  });

  test("come in two voices, and nano is always there", async ({ open }) => {
    const window = await open("settings", { snapshot: { models: [...models(), model("moshiko", "q4", { name: "hf:somebody/else", voice: null })] } });
    await window.page.getByRole("radio", { name: "Moshika (woman)" }).check({ force: true });
    await window.press("Download moshika-q4, 5.2 GB");
    await asks(window, "pull_model", { name: "moshika-q4" });
    await window.page.getByRole("article", { name: "hf:somebody/else" }).waitFor();
    await window.press("Use nano");
    await asks(window, "choose_model", { name: "nano" });
    await sees(window.page, "Free on the disk: 212 GB");
  });
});

describe("sound", () => {
  const microphone = ({ page }: Opened) => page.getByLabel("Microphone", { exact: true });

  test("lists what is connected, and what was chosen and is gone", async ({ open }) => {
    const window = await openTab(open, "sound", { settings: { microphone: "mic-studio" } });
    const options = (select: ReturnType<typeof microphone>) => select.locator("option").allInnerTexts();
    expect(await options(microphone(window))).toEqual([
      "System default (MacBook Pro Microphone)", "MacBook Pro Microphone", "Yeti Stereo Microphone", "mic-studio (not connected)",
    ]);
    expect(await microphone(window).inputValue()).toBe("mic-studio");
    expect(await options(window.page.getByLabel("Speaker", { exact: true }))).toEqual([
      "System default (MacBook Pro Speakers)", "MacBook Pro Speakers", "AirPods Pro (headphones)",
    ]);
    await window.tell({ kind: "devices", devices: devices.slice(1) });
    await expect.poll(() => options(microphone(window))).toEqual(["System default", "Yeti Stereo Microphone", "mic-studio (not connected)"]);
  });

  test("is chosen: devices, the system's own, echo", async ({ open }) => {
    const window = await openTab(open, "sound");
    await microphone(window).selectOption("mic-usb");
    await saves(window, { microphone: "mic-usb", speaker: null });
    await microphone(window).selectOption("");
    await saves(window, { microphone: null });
    await window.page.getByLabel("Speaker", { exact: true }).selectOption("out-airpods");
    await saves(window, { speaker: "out-airpods" });
    await window.page.getByLabel("Echo cancellation").selectOption("off");
    await saves(window, { echo: "off" });
  });

  test("is checked with nano, until the check or the visit ends", async ({ open }) => {
    const window = await openTab(open, "sound");
    const check = (state: "listening" | "idle", change = {}) => window.tell({ kind: "talk", talk: talk(state, { model: "nano", is_sound_check: true, ...change }) });
    await window.press("Start the sound check");
    await asks(window, "start_sound_check", {});
    await check("listening");
    await window.tell(frame(0, { user_level: 0.1 }));
    await attribute(window.page.getByRole("meter", { name: "Level of the microphone" }), "aria-valuenow", "67");
    await window.press("End the sound check");
    await asks(window, "end_sound_check", {});
    await check("idle");
    await window.page.getByRole("button", { name: "Start the sound check" }).waitFor();
    await check("listening", { problem: problem("microphone_silent", "choose_microphone") });
    await sees(window.page.getByRole("alert"), "The microphone gives no sound.");
    expect(window.shell.argumentsOf("end_sound_check")).toHaveLength(1);
    await tab(window, "Talk").click();
    await expect.poll(() => window.shell.argumentsOf("end_sound_check")).toHaveLength(2);
  });

  test("is not checked during a talk", async ({ open }) => {
    const window = await openTab(open, "sound", { snapshot: { talk: talk("listening") } });
    expect(await window.page.getByRole("button", { name: "Start the sound check" }).isDisabled()).toBe(true);
    await tab(window, "Talk").click();
    expect(window.shell.argumentsOf("end_sound_check"), "a talk is no check").toEqual([]);
  });
});

describe("numbers", () => {
  const FIELDS: { tab: Tab; name: string; field: keyof Settings; good: string; bad: string[] }[] = [
    { tab: "talk", name: "Temperature of the voice", field: "temperature", good: "0.75", bad: ["-0.1", "2.1"] },
    { tab: "talk", name: "Temperature of the words", field: "text_temperature", good: "2", bad: ["3"] },
    { tab: "talk", name: "Top-k", field: "top_k", good: "250", bad: ["0", "2049", "1.5"] },
    { tab: "talk", name: "Seed", field: "seed", good: "9007199254740991", bad: ["-1", "9007199254740993"] },
    { tab: "talk", name: "Context, in frames of 80 ms", field: "context", good: "3000", bad: ["0", "3001"] },
    { tab: "recording", name: "Delete recordings after (days)", field: "keep_days", good: "30", bad: ["0", "99999"] },
    { tab: "general", name: "Unload the model when idle for (minutes)", field: "unload_after_minutes", good: "60", bad: ["0", "1441"] },
  ];

  test("are saved within their bounds, and an empty field means the usual", async ({ open }) => {
    const window = await open("settings", { settings: { unload_after_minutes: null } });
    const { page, shell } = window;
    for (const { tab: of, name, field, good, bad } of FIELDS) {
      await tab(window, TABS[of]).click();
      const advanced = page.locator("details:not([open]) > summary", { hasText: "Advanced" });
      if ((await advanced.count()) > 0) await advanced.click();
      const input = page.getByLabel(name);
      const saved = shell.argumentsOf("save_settings").length;
      for (const value of bad) {
        await input.fill(value);
        await page.keyboard.press("Enter");
        await input.blur();
        await expect.poll(() => input.inputValue(), { message: `${name}: ${value}` }).toBe("");
      }
      expect(shell.argumentsOf("save_settings"), name).toHaveLength(saved);
      await input.fill(good);
      await input.blur();
      await saves(window, { [field]: Number(good) });
      await input.fill("");
      await input.blur();
      await saves(window, { [field]: null });
    }
  });
});

describe("recording", () => {
  test("goes into a folder that is typed, chosen or the usual one", async ({ open }) => {
    const window = await openTab(open, "recording");
    const folder = window.page.getByLabel("Folder", { exact: true });
    await folder.fill("  /Users/ada/Talks ");
    await folder.blur();
    await saves(window, { recordings_folder: "/Users/ada/Talks" });
    await window.press("Choose…");
    await asks(window, "choose_folder", {});
    expect(window.shell.argumentsOf("save_settings"), "none was chosen").toHaveLength(1);
    window.shell.answers.choose_folder = () => "/Volumes/disk";
    await window.press("Choose…");
    await saves(window, { recordings_folder: "/Volumes/disk" });
    await expect.poll(() => folder.inputValue()).toBe("/Volumes/disk");
    await folder.fill("");
    await folder.blur();
    await saves(window, { recordings_folder: null });
    await window.press("Show the history");
    await asks(window, "open_window", { window: "history", tab: null });
  });
});

describe("general", () => {
  test("changes the language of everything at once", async ({ open }) => {
    const window = await openTab(open, "general");
    const { page } = window;
    for (const language of ["fr", "ja", "en"] as const) {
      await page.locator("select").selectOption(language);
      await saves(window, { language });
      await page.getByRole("tab", { name: catalog[language]["tab.recording"] }).waitFor();
      await attribute(page.locator("html"), "lang", language);
      await expect.poll(() => page.title()).toBe(`Moshibar – ${catalog[language]["settings.title"]}`);
    }
    await page.locator("select").selectOption("system");
    await saves(window, { language: "system" });
    await attribute(page.locator("html"), "lang", "en");
  });

  test("shows the licences of what it is built on, once somebody asks", async ({ open }) => {
    const window = await openTab(open, "general");
    const licences = window.page.getByRole("region", { name: "Licences" });
    expect(await licences.count()).toBe(0);
    await window.page.getByText("Licences").click();
    await sees(licences, "Apache License");
    for (const work of ["MLX", "svelte", "uplot", "tauri", "mlx-rs"]) await sees(licences, work);
  });

  test("leads to the login items where the system has them", async ({ open }) => {
    const mac = await openTab(open, "general");
    await mac.press("Login items…");
    await asks(mac, "open_system_settings", { pane: "login_items" });
    const linux = await openTab(open, "general", { snapshot: { about: onLinux } });
    await sees(linux.page, "Open at login");
    expect(await linux.page.getByRole("button", { name: "Login items…" }).count()).toBe(0);
  });

  test("records shortcuts, and none that would take a key from typing or from another", async ({ open }) => {
    const window = await openTab(open, "general");
    const { page, shell } = window;
    await window.press("Start or end a talk: ⌥⌘M. Press to record another shortcut");
    await page.keyboard.press("Control+Shift+Digit7");
    await saves(window, { shortcut_talk: "Control+Shift+Digit7" });
    const saved = shell.argumentsOf("save_settings").length;
    const mute = "Mute: None. Press to record another shortcut";
    for (const [keys, refusal] of [["m", "Add ⌃, ⌥ or ⌘, or use a function key."], ["Control+Shift+7", "This shortcut is already used for “Start or end a talk”."]] as const) {
      await window.press(mute);
      await page.keyboard.press(keys);
      await sees(page.getByRole("alert"), refusal);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: mute }).waitFor();
    }
    await window.press(mute);
    await page.keyboard.press("Tab"); // leads on, and records nothing
    await page.getByRole("button", { name: mute }).waitFor();
    expect(shell.argumentsOf("save_settings")).toHaveLength(saved);
    await window.press(mute);
    await page.keyboard.press("F9");
    await saves(window, { shortcut_mute: "F9" });
    await window.press("Remove the shortcut for “Mute”");
    await saves(window, { shortcut_mute: null });
  });

  test("writes diagnostics, with sound only if it is asked for", async ({ open }) => {
    const window = await openTab(open, "general");
    await window.press("Save diagnostics…");
    await asks(window, "write_diagnostics", { with_sound: false });
    await sees(window.page.getByRole("status"), "Saved: /Users/ada/Downloads/moshibar-diagnostics.zip");
    await window.page.getByLabel("Include the sound of the last talk").check();
    await window.press("Save diagnostics…");
    await asks(window, "write_diagnostics", { with_sound: true });
  });

  test("tells what this is, and that nothing is looked for by itself", async ({ open }) => {
    const window = await openTab(open, "general");
    await sees(window.page, "This is Moshibar 0.1.0.");
    await sees(window.page, "Moshibar 0.1.0 on Apple M3 Pro");
    await sees(window.page, "Models: /Users/ada/Library/Application Support/moshibar/models");
  });
});
