// From valibot's issues to the package's error: the path of the offending field and a sentence. Knows no particular schema.

import * as v from "valibot";

import { type ErrorCode, GatewiseError } from "../../errors.js";

/** `value` as the schema has it, every default filled in; else an error whose path begins with `path`. */
export function validated<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  path: string,
  code: ErrorCode,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const { keys, message } = placeOf(deepest(result.issues));
  const place = keys.reduce<string>((path, key) => (typeof key === "number" ? `${path}[${key}]` : `${path}.${String(key)}`), path);
  throw new GatewiseError(code, place, `${place} ${message}`);
}

/** Of an alternative none of whose members fits, the issue of the one that came furthest. */
function deepest(issues: readonly v.BaseIssue<unknown>[]): readonly v.BaseIssue<unknown>[] {
  const [issue] = issues;
  const further = issue?.issues?.filter(({ path }) => path !== undefined || issue.path === undefined);
  if (issue === undefined || further === undefined || further.length === 0) return issues.slice(0, 1);
  return [issue, ...deepest(further.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0)))];
}

function placeOf(issues: readonly v.BaseIssue<unknown>[]): { keys: unknown[]; message: string } {
  const keys = issues.flatMap(({ path }) => path?.map(({ key }) => key) ?? []);
  const last = issues.at(-1);
  if (last === undefined) return { keys, message: "is not valid" };
  const { type, expected, received, message } = last;
  if (type === "check" || expected === null) return { keys, message };
  if (expected === "never") return { keys, message: "is a field that there is not: leave it out" };
  return { keys, message: received === "undefined" ? "is missing" : `must be ${expected}, not ${received}` };
}
