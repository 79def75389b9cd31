import type { FitView } from "./bindings";
import type { Key } from "./strings/catalog";

export const VERDICTS: Record<FitView["verdict"], Key> = {
  comfortable: "verdict.comfortable",
  tight: "verdict.tight",
  unknown: "verdict.unknown",
  will_not_keep_up: "verdict.will_not_keep_up",
  will_not_fit: "verdict.will_not_fit",
};
