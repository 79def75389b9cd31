export const FRAME_SECONDS = 0.08;
export const BUDGET_MS = 80;
/** The pace is drawn anew two or three times a second, with the first frame of five: nobody reads faster, and painting costs. */
export const FRAMES_A_PICTURE = 5;
/** Ten seconds. */
export const CHART_FRAMES = 125;

/** The last frames' times, oldest first; what was not yet there is null, so that the line comes in from the right. */
export class FrameRing {
  readonly capacity: number;
  #times: (number | null)[];
  #next = 0;

  constructor(capacity: number = CHART_FRAMES) {
    this.capacity = capacity;
    this.#times = new Array<number | null>(capacity).fill(null);
  }

  push(tookMs: number): void {
    this.#times[this.#next] = tookMs;
    this.#next = (this.#next + 1) % this.capacity;
  }

  clear(): void {
    this.#times.fill(null);
    this.#next = 0;
  }

  /** The slowest of the last frames: one that was late is seen even where not every frame is shown. */
  slowestOfLast(frames: number): number | null {
    return this.inOrder().slice(-frames).reduce((most, time) => (time !== null && time > (most ?? 0) ? time : most), null);
  }

  inOrder(): (number | null)[] {
    return [...this.#times.slice(this.#next), ...this.#times.slice(0, this.#next)];
  }

  /** The top of the chart: the budget stays visible and well inside, and a single spike does not flatten the rest for long. */
  ceilingMs(): number {
    const slowest = this.#times.reduce<number>((most, time) => Math.max(most, time ?? 0), 0);
    return Math.max(BUDGET_MS * 1.25, Math.ceil((slowest * 1.1) / 20) * 20);
  }
}

/** Seconds before now at which each place of a ring lies: −9.92 … 0. */
export function secondsBeforeNow(capacity: number = CHART_FRAMES): number[] {
  return Array.from({ length: capacity }, (_, place) => (place - capacity + 1) * FRAME_SECONDS);
}
