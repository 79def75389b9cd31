import { Channel, invoke } from "@tauri-apps/api/core";
import { getCurrentWindow } from "@tauri-apps/api/window";

import type { CommandError, UiEvent } from "./bindings";
import type { Commands } from "./commands";

export type CommandName = Exclude<keyof Commands, "subscribe">;
export type Arguments<Name extends keyof Commands> = Commands[Name][0];
export type Result<Name extends keyof Commands> = Commands[Name][1];

/** Asks Rust for something. Rejects with a `CommandError`, whatever went wrong. */
export async function call<Name extends keyof Commands>(name: Name, args: Arguments<Name>): Promise<Result<Name>> {
  try {
    return await invoke<Result<Name>>(name, args as Record<string, unknown>);
  } catch (reason) {
    throw asCommandError(reason);
  }
}

export async function subscribe(take: (event: UiEvent) => void): Promise<void> {
  const channel = new Channel<UiEvent>();
  channel.onmessage = take;
  await call("subscribe", { channel });
}

export function asCommandError(reason: unknown): CommandError {
  if (typeof reason === "object" && reason !== null && "message" in reason) {
    const { code, message, hint } = reason as { code?: unknown; message: unknown; hint?: unknown };
    return {
      code: typeof code === "string" ? code : "unknown",
      message: String(message),
      hint: typeof hint === "string" ? hint : null,
    };
  }
  return { code: "unknown", message: String(reason), hint: null };
}

/** Closes the window that asks. Needs `core:window:allow-close` among its capabilities. */
export async function closeWindow(): Promise<void> {
  await getCurrentWindow().close();
}
