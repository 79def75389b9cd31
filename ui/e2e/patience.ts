/** Only what never comes takes so long, however busy the machine is. */
export const PATIENCE_MS = 60_000;

/** Waits until something is so, which nobody tells of. */
export async function until(what: string, is: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<void> {
  for (const began = performance.now(); !(await is()); await new Promise((later) => setTimeout(later, 50))) {
    if (performance.now() - began > patienceMs) throw new Error(`never: ${what}`);
  }
}

/** Waits for what has no limit of its own. */
export async function soon<T>(what: string, coming: Promise<T>, patienceMs = 2 * PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`never: ${what}`)), patienceMs);
  });
  return Promise.race([coming, never]).finally(() => clearTimeout(timer));
}
