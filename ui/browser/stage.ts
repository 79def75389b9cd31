/** What all tests share: the pages as the app has them, a server for them, one browser. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";

import { serve } from "./server.ts";

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    browser: string;
  }
}

/** Debian's own; another one by MOSHIBAR_CHROMIUM. */
export const CHROMIUM = { executablePath: process.env["MOSHIBAR_CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync(fileURLToPath(new URL("../../scripts/ui.sh", import.meta.url)), ["build"], { stdio: "inherit" });
  const [server, browser] = await Promise.all([serve(), chromium.launchServer(CHROMIUM)]);
  project.provide("url", server.url);
  project.provide("browser", browser.wsEndpoint());
  return async () => {
    await browser.close();
    server.close();
  };
}
