// Cold data as JSON for the core. Checks nothing: what stands in the JSON is the core's to judge.

/**
 * The JSON of `value`. What JSON would drop in silence (functions, symbols) or choke on (bigints) is written as text, so
 * that the core sees it and names its place; NaN and Infinity become null, which the core refuses likewise.
 */
export function toJson(value: object): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "function" || typeof field === "symbol" || typeof field === "bigint" ? String(field) : field,
  );
}

/** Parses what the core wrote. `T` is the type that is generated from the struct it wrote. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** Freezes a plain value and all that hangs from it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const field of Object.values(value)) deepFreeze(field);
  }
  return value;
}
