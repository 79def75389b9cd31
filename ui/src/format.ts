const formats = new Map<string, Intl.NumberFormat>();

/** Kept: to make one takes longer than all the formatting of a frame. */
function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  const known = formats.get(key) ?? new Intl.NumberFormat(language, options);
  formats.set(key, known);
  return known;
}

/** Bytes as the store counts them: GB = 10⁹. */
export function bytes(count: number, language: string): string {
  const [unit, size, digits] = unitOf(count);
  return numberFormat(language, {
    style: "unit", unit, unitDisplay: "short", minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(count / size);
}

function unitOf(count: number): [unit: string, size: number, digits: number] {
  if (count >= 1e9) return ["gigabyte", 1e9, count >= 1e11 ? 0 : 1];
  if (count >= 1e6) return ["megabyte", 1e6, 0];
  if (count >= 1e3) return ["kilobyte", 1e3, 0];
  return ["byte", 1, 0];
}

export function speed(bytesPerSecond: number, language: string): string {
  return numberFormat(language, {
    style: "unit", unit: "megabyte-per-second", unitDisplay: "short", maximumFractionDigits: bytesPerSecond < 1e7 ? 1 : 0,
  }).format(bytesPerSecond / 1e6);
}

export function milliseconds(count: number, language: string): string {
  return numberFormat(language, { style: "unit", unit: "millisecond", unitDisplay: "short", maximumFractionDigits: 0 }).format(count);
}

export function whole(count: number, language: string): string {
  return numberFormat(language, { maximumFractionDigits: 0 }).format(count);
}

export function percent(share: number, language: string): string {
  return numberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** The share that is done, 0 to 1; 0 while the whole is not known. */
export function share(done: number, total: number): number {
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
}

/** As on a clock: 0:07, 12:05, 1:02:03. */
export function clock(seconds: number): string {
  const all = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** As said: its two greatest units, seconds only under a minute. */
export function duration(seconds: number, language: string): string {
  const all = Math.max(0, Math.round(seconds));
  const part = (value: number, unit: string) =>
    numberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
  if (all < 60) return part(all, "second");
  const allMinutes = Math.round(all / 60);
  const [hours, minutes] = [Math.floor(allMinutes / 60), allMinutes % 60];
  if (hours === 0) return part(minutes, "minute");
  return minutes === 0 ? part(hours, "hour") : `${part(hours, "hour")} ${part(minutes, "minute")}`;
}

/** A date and time for people; as it was given if it is none. */
export function moment(rfc3339: string, language: string): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return rfc3339;
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(date);
}
