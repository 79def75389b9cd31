/** Speech into the virtual microphone that `scripts/virtual-audio.sh` brings. */
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { until } from "./patience";

/** Links the player, if it is there; whether it is linked now. */
function links(): boolean {
  try {
    execFileSync("pw-link", ["player:output_MONO", "moshibar-feed:playback_MONO"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const clip = (name: string) => fileURLToPath(new URL(`../../testdata/nano/${name}.wav`, import.meta.url));

/** Says a word of `testdata/nano`, and returns when it is said. */
export async function say(name: string): Promise<void> {
  // It plays once it is linked: nobody drives it before.
  const player = spawn("pw-cat", ["-p", "--target", "0", "--latency", "100ms", "-P", "{ node.name = player }", clip(name)], { stdio: "inherit" });
  const said = new Promise<void>((resolve, reject) => {
    player.once("error", reject);
    player.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`pw-cat ended with ${String(code)}`))));
  });
  await Promise.all([said, until("the player can be linked", () => player.exitCode !== null || links())]);
}
