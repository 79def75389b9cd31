/** Speech into the virtual microphone that `scripts/virtual-audio.sh` brings. */
import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const clip = (name: string) => fileURLToPath(new URL(`../../testdata/nano/${name}.wav`, import.meta.url));

/** Says a word of `testdata/nano`, and returns when it is said. */
export async function say(name: string): Promise<void> {
  // The clip begins with silence: the link is there before the word.
  const player = spawn("pw-cat", ["-p", "--target", "0", "--latency", "100ms", "-P", "{ node.name = player }", clip(name)], { stdio: "inherit" });
  const said = new Promise<void>((resolve, reject) => {
    player.once("error", reject);
    player.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`pw-cat ended with ${String(code)}`))));
  });
  for (let tries = 0; ; tries += 1) {
    try {
      execFileSync("pw-link", ["player:output_MONO", "moshibar-feed:playback_MONO"], { stdio: "ignore" });
      break;
    } catch (reason) {
      if (tries === 40) throw reason;
      await new Promise((later) => setTimeout(later, 25));
    }
  }
  await said;
}
