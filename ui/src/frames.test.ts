import { describe, expect, it } from "vitest";

import { BUDGET_MS, CHART_FRAMES, FrameRing, secondsBeforeNow } from "./frames";

describe("the ring of frames", () => {
  it("gives times oldest first once it has wrapped around", () => {
    const ring = new FrameRing(3);
    for (const time of [1, 2, 3, 4, 5]) ring.push(time);
    expect(ring.inOrder()).toEqual([3, 4, 5]);
  });

  it("keeps the newest on the right while it is not yet full", () => {
    const ring = new FrameRing(4);
    ring.push(7);
    ring.push(8);
    expect(ring.inOrder()).toEqual([null, null, 7, 8]);
  });

  it("knows the slowest of the last frames, and none after it was cleared", () => {
    const ring = new FrameRing(4);
    for (const time of [9, 1, 7, 3]) ring.push(time);
    expect([1, 2, 3, 4].map((frames) => ring.slowestOfLast(frames))).toEqual([3, 7, 7, 9]);
    ring.push(2);
    expect(ring.slowestOfLast(4)).toBe(7);
    ring.clear();
    expect(ring.slowestOfLast(3)).toBeNull();
    expect(ring.inOrder()).toEqual([null, null, null, null]);
  });

  it("leaves room above the budget, and grows for a slow frame", () => {
    const ring = new FrameRing();
    ring.push(20);
    expect(ring.ceilingMs()).toBe(BUDGET_MS * 1.25);
    ring.push(200);
    expect(ring.ceilingMs()).toBeGreaterThanOrEqual(220);
  });

  it("spans ten seconds that end now", () => {
    const seconds = secondsBeforeNow();
    expect(seconds).toHaveLength(CHART_FRAMES);
    expect(seconds[0]).toBeCloseTo(-9.92);
    expect(seconds.at(-1)).toBeCloseTo(0);
  });
});
