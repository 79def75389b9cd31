import { describe } from "vitest";

import { here, job, model, nano, problem, talk } from "./samples.ts";
import { refuse } from "./shell.ts";
import { asks, attribute, expect, saves, sees, test, type Open } from "./test.ts";
import type { Opened, Opening } from "./window.ts";

const fresh = [nano, model("moshiko", "q4"), model("moshiko", "q8")];
const heading = ({ page }: Opened) => page.getByRole("heading", { level: 1 }).innerText();

/** The first steps of somebody who has nothing yet. */
const begin = (open: Open, { snapshot, ...opening }: Opening = {}) =>
  open("welcome", { ...opening, snapshot: { models: fresh, permission: "undetermined", ...snapshot }, settings: { first_run_done: false, model: "nano" } });

async function goTo(welcome: Opened, title: string): Promise<void> {
  for (let steps = 0; (await heading(welcome)) !== title && steps < 4; steps += 1) {
    const later = welcome.page.getByRole("button", { name: /^(Continue|Not now: only nano)$/ });
    const before = await heading(welcome);
    await later.click();
    await expect.poll(() => heading(welcome)).not.toBe(before);
  }
  expect(await heading(welcome)).toBe(title);
}

describe("the first steps", () => {
  test("lead from what Moshi is to the first talk", async ({ open }) => {
    const welcome = await begin(open);
    const { page } = welcome;
    await sees(page, "Step 1 of 4");
    expect(await heading(welcome)).toBe("Talk with Moshi");
    await welcome.press("Continue");
    expect(await heading(welcome)).toBe("Choose a quality");
    await sees(page, "Recommended for Apple M3 Pro:");
    await welcome.press("Download moshiko-q4 (5.2 GB)");
    await asks(welcome, "pull_model", { name: "moshiko-q4" });
    await expect.poll(() => heading(welcome)).toBe("Let Moshi hear you");
    await welcome.press("Allow the microphone");
    await asks(welcome, "ask_permission", {});
    await welcome.tell({ kind: "permission", permission: "granted" });
    await sees(page.getByRole("status"), "The microphone may be used.");
    await welcome.press("Continue");
    expect(await heading(welcome)).toBe("Ready");
    await welcome.tell({ kind: "models", models: [nano, model("moshiko", "q4", { job: job() })] });
    await sees(page, "The model is still downloading.");
    await attribute(page.getByRole("progressbar"), "aria-valuenow", "43");
    await welcome.press("Talk with nano");
    await saves(welcome, { first_run_done: true });
    await asks(welcome, "choose_model", { name: "nano" });
    await asks(welcome, "start_talk", {});
    await welcome.tell({ kind: "talk", talk: talk("listening", { model: "nano" }) });
    await welcome.press("End the talk");
    await asks(welcome, "end_talk", {});
    await welcome.tell({ kind: "talk", talk: talk("idle", { model: "nano" }) }, { kind: "models", models: [nano, model("moshiko", "q4", here("q4"))] });
    await welcome.press("Start talking");
    await asks(welcome, "choose_model", { name: "moshiko-q4" });
    await welcome.press("Done");
    await asks(welcome, "plugin:window|close", { label: "welcome" });
  });

  test("are three where nobody asks for the microphone, and go back too", async ({ open }) => {
    const welcome = await begin(open, { snapshot: { permission: "not_needed" } });
    await sees(welcome.page, "Step 1 of 3");
    await goTo(welcome, "Ready");
    await sees(welcome.page, "Step 3 of 3");
    await welcome.press("Back");
    await welcome.press("Back");
    expect(await heading(welcome)).toBe("Talk with Moshi");
    expect(await welcome.page.getByRole("button", { name: "Back" }).count()).toBe(0);
  });

  test("begin a new step at its top, for eyes and for keyboards", async ({ open }) => {
    const welcome = await begin(open);
    await welcome.press("Continue");
    expect(await welcome.page.evaluate(() => document.activeElement?.tagName)).toBe("MAIN");
    await welcome.page.keyboard.press("Tab");
    expect(await welcome.page.evaluate(() => document.activeElement?.textContent)).toContain("Why?");
  });

  test("say what to do when the microphone was refused", async ({ open }) => {
    const welcome = await begin(open, { snapshot: { permission: "denied" } });
    await goTo(welcome, "Let Moshi hear you");
    await sees(welcome.page.getByRole("status"), "The microphone was refused.");
    await welcome.press("Open System Settings");
    await asks(welcome, "open_system_settings", { pane: "microphone" });
    await goTo(welcome, "Ready");
  });

  test("propose nothing that may not keep up", async ({ open }) => {
    const welcome = await begin(open, { snapshot: { models: [nano, model("moshiko", "q4", { is_recommended: false })] } });
    await goTo(welcome, "Choose a quality");
    await sees(welcome.page, "No released model is sure to run well on Apple M3 Pro.");
    await welcome.press("Other qualities");
    await asks(welcome, "open_window", { window: "settings", tab: "quality" });
  });

  test("stay where they are when the download cannot begin, and offer it again when it broke off", async ({ open }) => {
    const welcome = await begin(open, { arrange: (shell) => (shell.answers.pull_model = refuse("offline")) });
    await goTo(welcome, "Choose a quality");
    await welcome.press("Download moshiko-q4 (5.2 GB)");
    await sees(welcome.page.getByRole("alert"), "There is no connection to the internet.");
    expect(await heading(welcome)).toBe("Choose a quality");
    await welcome.press("Close");
    await welcome.tell({ kind: "models", models: [nano, model("moshiko", "q4", { job: job({ problem: problem("disk_full") }) })] });
    await sees(welcome.page.getByRole("alert"), "The disk is full.");
    await welcome.page.getByRole("button", { name: "Download moshiko-q4 (5.2 GB)" }).waitFor();
  });

  test("show what kept the first talk from beginning", async ({ open }) => {
    const welcome = await begin(open, { snapshot: { permission: "not_needed" } });
    await goTo(welcome, "Ready");
    await welcome.tell({ kind: "talk", talk: talk("failed", { model: "nano", problem: problem("microphone_denied", "open_microphone_settings") }) });
    await sees(welcome.page.getByRole("alert"), "Moshibar may not use the microphone.");
    await welcome.press("Open System Settings");
    await asks(welcome, "open_system_settings", { pane: "microphone" });
  });

  test("are over when somebody says so", async ({ open }) => {
    const welcome = await begin(open, { snapshot: { permission: "not_needed" } });
    await goTo(welcome, "Ready");
    await welcome.press("Done");
    await saves(welcome, { first_run_done: true });
    await asks(welcome, "plugin:window|close", { label: "welcome" });
  });
});
