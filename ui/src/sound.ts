import type { About } from "./bindings";

/** The sound of a talk for a player, until it is given back. WebKit on Linux plays nothing straight from an app's own addresses. */
export async function playable(address: string, platform: About["platform"]): Promise<{ address: string; giveBack: () => void }> {
  if (platform !== "linux") return { address, giveBack: () => undefined };
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the sound of the talk cannot be read (${answer.status})`);
  const blob = URL.createObjectURL(await answer.blob());
  return { address: blob, giveBack: () => URL.revokeObjectURL(blob) };
}
