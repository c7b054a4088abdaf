// Stretches of time in UTC: which a moment falls into, where each begins, and a moment's place in the calendar. Knows nothing
// of tables.

import type { CalendarPart, DurationDefinition, Every, TimeLike, Unit } from "./definition.js";

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
const MILLISECONDS: Readonly<Record<Unit, number>> = { second: SECOND, minute: 60 * SECOND, hour: 60 * 60 * SECOND, day: DAY, week: 7 * DAY };
const MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
/** 1970-01-05, a Monday. */
const MONDAY = 4 * DAY;

/** A length of time: milliseconds, or calendar months. */
export type Length = { readonly milliseconds: number } | { readonly months: number };

/** Stretches of equal length, numbered. */
export interface Grid {
  /** The stretch that `time` falls into. */
  indexOf(time: number): number;
  /** The first moment of a stretch, which is the end of the one before. */
  beginOf(index: number): number;
}

export function milliseconds(unit: Unit): number {
  return MILLISECONDS[unit];
}

/** Milliseconds of a time as people write it, in UTC where it has no zone; NaN of what is none. */
export function parseTime(time: TimeLike): number {
  if (typeof time === "number") return time;
  if (typeof time !== "string") return time.getTime();
  // A date alone is UTC by ECMAScript's rules, one with a time of day is not.
  return Date.parse(/\d:\d\d(:\d\d(\.\d+)?)?$/.test(time) && !/[+-]\d\d:\d\d$/.test(time) ? `${time}Z` : time);
}

/** The length of a step that is a stretch of time; undefined for rows and times. */
export function lengthOf(every: Every): Length | undefined {
  if (every === "row" || every === "time") return undefined;
  if (typeof every === "object") return lengthOfDuration(every);
  const months = MONTHS[every];
  return months === undefined ? { milliseconds: MILLISECONDS[every as Unit] } : { months };
}

export function lengthOfDuration({ months, seconds, minutes, hours, days, weeks }: DurationDefinition): Length {
  if (months !== undefined) return { months };
  const parts = { second: seconds, minute: minutes, hour: hours, day: days, week: weeks };
  const total = Object.entries(parts).reduce((sum, [unit, count]) => sum + (count ?? 0) * MILLISECONDS[unit as Unit], 0);
  return { milliseconds: total };
}

/** A moment so much later; the day of the month is the target month's last at most. */
export function later(time: number, length: Length, count = 1): number {
  if ("milliseconds" in length) return time + count * length.milliseconds;
  const date = new Date(time);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + count * length.months);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, days));
  return date.getTime();
}

/** Stretches that begin where the calendar's do; with `anchor`, stretch 0 begins there and −1 ends. */
export function gridOf(length: Length, anchor?: number): Grid {
  if ("milliseconds" in length) {
    const [origin, size] = [anchor ?? MONDAY, length.milliseconds];
    return { indexOf: (time) => Math.floor((time - origin) / size), beginOf: (index) => origin + index * size };
  }
  const origin = anchor ?? 0;
  const beginOf = (index: number) => later(origin, length, index);
  const first = monthOf(origin);
  return {
    indexOf(time) {
      let index = Math.floor((monthOf(time) - first) / length.months);
      // A month that begins on the 15th: the days before belong to the one before.
      while (beginOf(index) > time) index -= 1;
      while (beginOf(index + 1) <= time) index += 1;
      return index;
    },
    beginOf,
  };
}

function monthOf(time: number): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** How many places each part of the calendar has. */
export const PLACES: Readonly<Record<CalendarPart, number>> = {
  minute: 60,
  hour: 24,
  "day-of-week": 7,
  "day-of-month": 31,
  "day-of-year": 366,
  month: 12,
  quarter: 4,
};

/** A moment's place in the calendar, from 0: Monday is 0, January is 0, and so is the first of a month. */
export function placeIn(part: CalendarPart, time: number): number {
  const date = new Date(time);
  switch (part) {
    case "minute":
      return date.getUTCMinutes();
    case "hour":
      return date.getUTCHours();
    case "day-of-week":
      return (date.getUTCDay() + 6) % 7;
    case "day-of-month":
      return date.getUTCDate() - 1;
    case "day-of-year":
      return Math.floor((time - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY);
    case "month":
      return date.getUTCMonth();
    case "quarter":
      return Math.floor(date.getUTCMonth() / 3);
  }
}
