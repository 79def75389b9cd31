import type { WordView } from "./bindings";

export interface CaptionLine {
  /** The place of its first word among all words: stays the same while the line grows. */
  first: number;
  speaker: WordView["speaker"];
  start_seconds: number;
  words: WordView[];
}

/** A silence this long begins a new line. */
const GAP_SECONDS = 1.6;
const LINE_CHARACTERS = 60;

const ENDS_SENTENCE = /[.!?…。！？]["'”»)]?$/;
const CLINGS = /^[.,!?;:…)\]}%”»]/;

export function linesFromWords(words: readonly WordView[], lineCharacters: number = LINE_CHARACTERS): CaptionLine[] {
  const lines: CaptionLine[] = [];
  let characters = 0;
  words.forEach((word, place) => {
    const line = lines.at(-1);
    const before = line?.words.at(-1);
    const piece = before === undefined ? word.text.trimStart() : spaced(word.text);
    const begins =
      line === undefined ||
      before === undefined ||
      before.speaker !== word.speaker ||
      word.start_seconds - before.start_seconds > GAP_SECONDS ||
      (!CLINGS.test(word.text) && (characters + piece.length > lineCharacters || endsLine(before.text, characters, lineCharacters)));
    if (begins) {
      lines.push({ first: place, speaker: word.speaker, start_seconds: word.start_seconds, words: [word] });
      characters = word.text.trim().length;
    } else {
      line.words.push(word);
      characters += piece.length;
    }
  });
  return lines;
}

/** A sentence that ends in the second half of a line ends the line too. */
function endsLine(text: string, characters: number, lineCharacters: number): boolean {
  return characters > lineCharacters / 2 && ENDS_SENTENCE.test(text.trimEnd());
}

/** A word as it follows another: with one space before it, unless it is punctuation. */
export function spaced(text: string): string {
  const bare = text.trim();
  return CLINGS.test(bare) ? bare : ` ${bare}`;
}

export function lineText(line: CaptionLine): string {
  return line.words.map((word, place) => (place === 0 ? word.text.trim() : spaced(word.text))).join("");
}

/** The word that is being said at a time: the last that has begun; −1 before the first. Words are in the order of time. */
export function wordAt(words: readonly WordView[], seconds: number): number {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.start_seconds ?? Infinity) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
