import { describe, expect, it } from "vitest";

import * as format from "./format";

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("bytes", () => {
  it("are counted like the store counts them, GB = 10⁹", () => {
    expect(plain(format.bytes(5_240_000_000, "en"))).toBe("5.2 GB");
    expect(plain(format.bytes(999_000_000, "en"))).toBe("999 MB");
  });

  it("follow the language", () => {
    expect(plain(format.bytes(5_240_000_000, "fr"))).toBe("5,2 Go");
  });

  it("of nothing are said too", () => {
    expect(plain(format.bytes(0, "en"))).toBe("0 byte");
  });
});

describe("a clock", () => {
  it("shows minutes and seconds", () => expect(format.clock(65.9)).toBe("1:05"));
  it("shows hours once there are some", () => expect(format.clock(3723)).toBe("1:02:03"));
  it("does not go below zero", () => expect(format.clock(-1)).toBe("0:00"));
});

describe("a duration", () => {
  it("is in seconds under a minute", () => expect(plain(format.duration(42, "en"))).toBe("42 sec"));
  it("is in minutes under an hour", () => expect(plain(format.duration(150, "en"))).toBe("3 min"));
  it("is in hours and minutes above", () => expect(plain(format.duration(3900, "en"))).toBe("1 hr 5 min"));
  it("never says sixty minutes", () => expect(plain(format.duration(7190, "en"))).toBe("2 hr"));
  it("says an hour rather than sixty minutes", () => expect(plain(format.duration(3590, "en"))).toBe("1 hr"));
});

describe("a share", () => {
  it("is nothing while the whole is unknown", () => expect(format.share(5, 0)).toBe(0));
  it("is never more than the whole", () => expect(format.share(7, 5)).toBe(1));
});

describe("a moment", () => {
  it("that is none stays as it was given", () => expect(format.moment("yesterday", "en")).toBe("yesterday"));
  it("follows the language", () => expect(format.moment("2026-11-26T12:00:00Z", "fr")).toContain("2026"));
});

describe("speed", () => {
  it("is in megabytes a second", () => expect(plain(format.speed(12_300_000, "en"))).toBe("12 MB/s"));
});
