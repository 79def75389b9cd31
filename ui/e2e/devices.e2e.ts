import { execFileSync } from "node:child_process";

import { afterEach, it } from "vitest";

import { endAll, newHome, RunningApp } from "./app";
import { until } from "./patience";

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
  const listed = async () => (await app.snapshot()).devices.find((device) => device.name === "Virtual microphone")?.id;
  await until("the microphone is listed", async () => (await listed()) !== undefined);
  const microphone = await listed();
  await app.end({ keepsHome: true });

  app = await RunningApp.start({ window: "popover", home, settings: { model: "nano", microphone: microphone ?? null } });
  await app.press("Start talking");
  await app.says(/Moshi is (listening|speaking)/);
  unplug();
  await app.says(/microphone has gone away/i);
  await app.find("button", "Choose a microphone");
});
