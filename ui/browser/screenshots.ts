/** Pictures of every pane, in light and dark: `npm run screenshots FOLDER`. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

import { chromium } from "playwright-core";

import { play, SCENES } from "./scenes.ts";
import { serve } from "./server.ts";
import { CHROMIUM } from "./stage.ts";
import { Tab } from "./window.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: npm run screenshots FOLDER");
mkdirSync(resolve(folder), { recursive: true });

const [server, browser] = await Promise.all([serve(), chromium.launch(CHROMIUM)]);
const tab = await Tab.of(browser, { scale: 2 });
const faults: string[] = [];
for (const scene of SCENES.filter(({ isForRulesOnly }) => isForRulesOnly !== true)) {
  for (const colorScheme of ["light", "dark"] as const) {
    const { page } = await play((window, opening) => tab.open(server.url, window, opening), scene, { colorScheme });
    await page.evaluate(async () => {
      (document.activeElement as HTMLElement | null)?.blur();
      await document.fonts.ready;
      // Twice: what follows a change of size is drawn with the frame after it.
      for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
      await Promise.all(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished));
    });
    await page.screenshot({ path: join(folder, `${scene.name}-${colorScheme}.png`) });
    faults.push(...(await tab.leave()).map((fault) => `${scene.name}: ${fault}`));
  }
}
await browser.close();
server.close();
if (faults.length > 0) throw new Error(faults.join("\n"));
