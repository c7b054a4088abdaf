// Numbers and times out of bytes, without making strings of them. NaN is for what is neither; what is missing is asked before.

const [PLUS, COMMA, MINUS, POINT, ZERO, COLON, SPACE, TAB] = [43, 44, 45, 46, 48, 58, 32, 9] as const;

const POWERS = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * A decimal number, the double next to it. NaN for anything else, infinite ones among them.
 *
 * Up to 15 digits make a whole number below 2^53, and it and the power of ten, up to 10^15, are exact: one division, rounded
 * once, is then the double next to the decimal (Clinger 1990). Everything longer takes the slow way.
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const sign = bytes[at] as number;
  if (sign === MINUS || sign === PLUS) at++;
  let whole = 0;
  let digit = 0;
  const first = at;
  while (at < end && (digit = (bytes[at] as number) - ZERO) >= 0 && digit <= 9) {
    whole = whole * 10 + digit;
    at++;
  }
  let digits = at - first;
  let decimals = 0;
  if (at < end && bytes[at] === POINT) {
    const point = ++at;
    while (at < end && (digit = (bytes[at] as number) - ZERO) >= 0 && digit <= 9) {
      whole = whole * 10 + digit;
      at++;
    }
    decimals = at - point;
    digits += decimals;
  }
  if (at < end || digits === 0 || digits > 15) return parseSlowly(bytes, start, end);
  const value = decimals === 0 ? whole : whole / (POWERS[decimals] as number);
  return sign === MINUS ? -value : value;
}

function parseSlowly(bytes: Uint8Array, start: number, end: number): number {
  const text = asciiText(bytes, start, end).trim();
  if (!NUMBER.test(text)) return NaN;
  const value = Number(text);
  return Number.isFinite(value) ? value : NaN;
}

/** 1 for true, 0 for false, in small letters, capitals, or with one capital. NaN for anything else. */
export function parseBoolean(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 4 || length > 5) return NaN;
  const text = asciiText(bytes, start, end);
  if (text === "true" || text === "True" || text === "TRUE") return 1;
  return text === "false" || text === "False" || text === "FALSE" ? 0 : NaN;
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  // No number and no boolean is longer than this; String.fromCharCode takes its characters as arguments.
  if (end - start > 400) return "";
  return String.fromCharCode(...bytes.subarray(start, end));
}

/**
 * A date, or a date and a time of day, in ISO 8601's extended format, as milliseconds since 1970: `2010-12`, `2010-12-01`,
 * `2010-12-01T08:26`, with seconds, with a fraction of them (cut to milliseconds), with a space for the T, with `Z` or
 * `+01:00` or `+0100` at the end. What has no offset is UTC. NaN for anything else.
 */
export function parseTime(bytes: Uint8Array, from: number, to: number): number {
  let [start, end] = [from, to];
  while (start < end && isBlank(bytes[start])) start++;
  while (start < end && isBlank(bytes[end - 1])) end--;
  if (end - start < 7 || bytes[start + 4] !== MINUS) return NaN;
  const year = digitsAt(bytes, start, 4);
  const month = digitsAt(bytes, start + 5, 2);
  if (!(year >= 0 && month >= 1 && month <= 12)) return NaN;
  if (end - start === 7) return daysBefore(year, month, 1) * 86_400_000;
  const day = end - start < 10 || bytes[start + 7] !== MINUS ? -1 : digitsAt(bytes, start + 8, 2);
  if (!(day >= 1 && day <= daysIn(year, month))) return NaN;
  const midnight = daysBefore(year, month, day) * 86_400_000;
  if (end - start === 10) return midnight;
  const separator = bytes[start + 10];
  if (separator !== 84 && separator !== 116 && separator !== SPACE) return NaN;
  return midnight + parseClock(bytes, start + 11, end);
}

/** `08:26`, `08:26:30`, `08:26:30.125`, with or without an offset, in milliseconds after midnight, UTC. */
function parseClock(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 5 || bytes[start + 2] !== COLON) return NaN;
  const hours = digitsAt(bytes, start, 2);
  const minutes = digitsAt(bytes, start + 3, 2);
  if (!(hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59)) return NaN;
  let at = start + 5;
  let milliseconds = (hours * 60 + minutes) * 60_000;
  if (at < end && bytes[at] === COLON) {
    const seconds = at + 3 <= end ? digitsAt(bytes, at + 1, 2) : -1;
    if (!(seconds >= 0 && seconds <= 59)) return NaN;
    milliseconds += seconds * 1000;
    at += 3;
    if (at < end && (bytes[at] === POINT || bytes[at] === COMMA)) {
      const from = at + 1;
      at = endOfDigits(bytes, from, end);
      milliseconds += at === from ? NaN : thousandths(bytes, from, at);
    }
  }
  return at === end ? milliseconds : milliseconds - parseOffset(bytes, at, end);
}

function endOfDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && digitsAt(bytes, at, 1) >= 0) at++;
  return at;
}

/** The first three digits behind a point; what is beyond them is cut. */
function thousandths(bytes: Uint8Array, start: number, end: number): number {
  const digits = Math.min(3, end - start);
  return digitsAt(bytes, start, digits) * 10 ** (3 - digits);
}

/** `Z`, `+01:00`, `+0100` or `+01`, in milliseconds. */
function parseOffset(bytes: Uint8Array, start: number, end: number): number {
  const sign = bytes[start];
  if (end - start === 1) return sign === 90 || sign === 122 ? 0 : NaN;
  if (sign !== PLUS && sign !== MINUS) return NaN;
  const length = end - start;
  const colon = length === 6 && bytes[start + 3] === COLON ? 1 : 0;
  if (length !== 3 && length !== 5 + colon) return NaN;
  const hours = digitsAt(bytes, start + 1, 2);
  const minutes = length === 3 ? 0 : digitsAt(bytes, start + 3 + colon, 2);
  if (!(hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59)) return NaN;
  return (sign === MINUS ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** A whole number of so many digits; negative where one of them is none. */
function digitsAt(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = (bytes[at] as number) - ZERO;
    // Also true of what lies beyond the bytes.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 to a day of the Gregorian calendar: Hinnant's days_from_civil, for years from 0. */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year; // years begin in March, so that the leap day is the last one
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}
