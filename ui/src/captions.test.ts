import { describe, expect, it } from "vitest";

import type { WordView } from "./bindings";
import { lineText, linesFromWords, wordAt } from "./captions";

const said = (text: string, start_seconds: number, speaker: WordView["speaker"] = "moshi"): WordView => ({ speaker, text, start_seconds });
const texts = (words: WordView[], most?: number) => linesFromWords(words, most).map(lineText);

describe("caption lines", () => {
  it("are none without words", () => {
    expect(linesFromWords([])).toEqual([]);
  });

  it("join words by one space, whether or not the words bring one", () => {
    expect(texts([said("Hello", 0), said(" there", 0.3), said("friend", 0.6)])).toEqual(["Hello there friend"]);
  });

  it("let punctuation cling to the word before it", () => {
    expect(texts([said("Well", 0), said(",", 0.1), said("yes", 0.2), said("!", 0.3)])).toEqual(["Well, yes!"]);
  });

  it("begin anew when another speaks", () => {
    expect(texts([said("Hi", 0), said("hello", 0.2, "user"), said("again", 0.4)])).toEqual(["Hi", "hello", "again"]);
  });

  it("begin anew after a silence", () => {
    expect(texts([said("One", 0), said("two", 5)])).toEqual(["One", "two"]);
  });

  it("do not grow longer than asked, and never break before punctuation", () => {
    expect(texts([said("abcde", 0), said("fghij", 0.1), said(".", 0.2), said("klmno", 0.3)], 11)).toEqual(["abcde fghij.", "klmno"]);
  });

  it("end with a sentence that ends in their second half", () => {
    expect(texts([said("abcdefgh.", 0), said("Now", 0.2)], 16)).toEqual(["abcdefgh.", "Now"]);
  });

  it("keep their identity while they grow", () => {
    const words = [said("One", 0), said("two", 5)];
    const before = linesFromWords(words).map((line) => line.first);
    const after = linesFromWords([...words, said("three", 5.2)]).map((line) => line.first);
    expect(after).toEqual(before);
  });
});

describe("the word at a time", () => {
  const words = [said("a", 1), said("b", 2), said("c", 3)];

  it("is none before the first", () => expect(wordAt(words, 0.5)).toBe(-1));
  it("is the one that has just begun", () => expect(wordAt(words, 2)).toBe(1));
  it("stays the last one until the end", () => expect(wordAt(words, 99)).toBe(2));
});
