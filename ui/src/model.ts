import type { ModelView } from "./bindings";
import type { Key } from "./strings/catalog";

export const QUALITIES: Record<ModelView["quality"], Key> = { q4: "quality.q4", q8: "quality.q8", bf16: "quality.bf16" };

/** Whether a talk can be with it. */
export function isHere(model: ModelView): boolean {
  return model.state.name === "verified" || model.state.name === "unchecked";
}

/** Whether something is being done with it. A job that stopped for a problem stays to be seen, and is over. */
export function isWorkedOn(model: ModelView): boolean {
  return model.job !== null && model.job.problem === null;
}
