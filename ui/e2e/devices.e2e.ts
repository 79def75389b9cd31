import { execFileSync } from "node:child_process";

import { afterEach, expect, it } from "vitest";

import type { Snapshot } from "../src/bindings";
import { endAll, newHome, RunningApp } from "./app";

let app: RunningApp;
afterEach(endAll);

/** Pulls the plug of the virtual microphone. The last test of a run: nobody puts it back. */
function unplug(): void {
  // One list, and more if something changes meanwhile.
  const [list = "[]"] = execFileSync("pw-dump", { maxBuffer: 1 << 26 }).toString().split(/(?<=\n\])\s*(?=\[)/);
  const nodes = JSON.parse(list) as {
    id: number;
    info?: { props?: Record<string, unknown> };
  }[];
  const microphone = nodes.find((node) => node.info?.props?.["node.name"] === "moshibar-microphone");
  execFileSync("pw-cli", ["destroy", String(microphone?.id)]);
}

it("a chosen microphone that is pulled out in a talk is a sentence with the button that helps", async () => {
  const home = newHome();
  app = await RunningApp.start({ window: "popover", home, settings: { model: "nano" } });
  const listed = async () => ((await app.ask("snapshot", {})) as Snapshot).devices;
  await app.page.wait(async () => (await listed()).length > 0, 20_000, "no devices are listed");
  const microphone = (await listed()).find((device) => device.name === "Virtual microphone")?.id;
  expect(microphone).toBeDefined();
  await app.end({ keepsHome: true });

  app = await RunningApp.start({ window: "popover", home, settings: { model: "nano", microphone: microphone ?? null } });
  await app.press("Start talking");
  await app.says(/Moshi is (listening|speaking)/);
  unplug();
  await app.says(/microphone has gone away/i);
  await app.find("button", "Choose a microphone");
});
