// What a pipeline is, as data: its schema, from which its types are inferred. Knows nothing of tables.

import * as v from "valibot";

import { fields } from "../../validate.js";

/** A column's name, or the name of what is aggregated from columns. */
const Name = v.pipe(v.string(), v.minLength(1));
const Whole = v.pipe(v.number(), v.safeInteger());
const Positive = v.pipe(Whole, v.minValue(1));
const Finite = v.pipe(v.number(), v.finite());
const Cell = v.union([v.string(), Finite, v.boolean()]);

/** Names of categories or classes, none of them twice. */
export function distinctNames(least: number) {
  return v.pipe(
    v.array(v.string()),
    v.minLength(least),
    v.check((names) => new Set(names).size === names.length, "this must have no name twice"),
  );
}

/** A point in time: ISO 8601 ("2011-09-16", read as UTC), or milliseconds since 1970. */
const Time = v.union([
  v.pipe(
    v.string(),
    v.check((text) => !Number.isNaN(Date.parse(text)), "this must be a date such as 2011-09-16"),
  ),
  Finite,
]);

/** All of a condition's fields hold. A missing cell fulfils none but `missing: true`, which no other does. */
const Condition = v.union([
  Cell,
  fields({
    not: v.optional(Cell),
    in: v.optional(v.array(Cell)),
    above: v.optional(Finite),
    atLeast: v.optional(Finite),
    below: v.optional(Finite),
    atMost: v.optional(Finite),
    missing: v.optional(v.boolean()),
  }),
]);

/** Conditions on columns, all of which hold for a row: `{ cancelled: 1 }`, `{ value: { above: 0 } }`. */
const Where = v.pipe(
  v.record(Name, Condition),
  v.check((where) => Object.keys(where).length > 0, "this must name a column"),
);

const UNITS = ["second", "minute", "hour", "day", "week"] as const;

/** A length of time: `{ days: 7 }`, `{ months: 1 }`. */
const Duration = v.pipe(
  fields({
    seconds: v.optional(Positive),
    minutes: v.optional(Positive),
    hours: v.optional(Positive),
    days: v.optional(Positive),
    weeks: v.optional(Positive),
    months: v.optional(Positive),
  }),
  v.check(
    (units) => Object.values(units).filter((n) => n !== undefined).length === 1,
    "this must have one unit, such as { days: 7 }",
  ),
);

const Steps = fields({
  /**
   * What a step is: each `"row"`; all rows of one `"time"`; or a stretch of time, in UTC and beginning where the calendar's do
   * (weeks on Monday), or where a cut-off says. `"row"` unless given.
   */
  every: v.optional(v.union([v.picklist(["row", "time", ...UNITS, "month", "quarter", "year"]), Duration]), "row"),
  /** A group begins with its first row that fulfils this: rows before it count for nothing, groups without one give no sample. */
  begin: v.optional(Where),
  /** Where stretches of time begin: with the group's first row, or all with the table's. `"group"` unless given. */
  from: v.optional(v.picklist(["group", "table"]), "group"),
  /** Where they end. `"group"` unless given. Cut-offs take its place. */
  until: v.optional(v.picklist(["group", "table"]), "group"),
  /** One sample for each group and cut-off, of what came before: stretches of time are counted back from it. */
  cutOffs: v.optional(v.pipe(v.array(Time), v.minLength(1))),
});

const AGGREGATES = ["sum", "mean", "min", "max", "first", "last", "distinct"] as const;

/** What the rows of a step come to. `{ count: true }` counts them; the others read the column that they name. */
const Aggregate = v.pipe(
  fields({
    count: v.optional(v.literal(true)),
    ...v.entriesFromList(AGGREGATES, v.optional(Name)),
    /** Only rows that fulfil this. */
    where: v.optional(Where),
    /** Rows that lack the number: an error, or as if they were not there. `"error"` unless given. */
    missing: v.optional(v.picklist(["error", "skip"])),
  }),
  v.check(
    (what) => Object.values({ ...what, where: undefined, missing: undefined }).filter((kind) => kind !== undefined).length === 1,
    `this must be one of count, ${AGGREGATES.join(", ")}, with a column`,
  ),
);

const FILLS = ["error", "zero", "previous", "linear", "mean"] as const;

/**
 * What stands for a missing value: an error, zero, the group's value before, a line between the values around it that the sample
 * knows, the training part's mean, or a value.
 */
const Fill = v.union([v.picklist(FILLS), fields({ value: Cell })]);

const SCALES = ["standard", "min-max", "robust", "log"] as const;

/**
 * `"standard"`: mean 0 and deviation 1. `"min-max"`: from 0 to 1. `"robust"`: median 0, distance of the quartiles 1. `"log"`:
 * ln(1 + v), of negative numbers −ln(1 − v). A list is applied in its order.
 */
const Scale = v.union([v.picklist(SCALES), v.array(v.picklist(SCALES))]);

/** Where a category goes that the training part has not: to a place of its own, or nowhere. */
const Unseen = v.picklist(["other", "error"]);

const CALENDAR = ["minute", "hour", "day-of-week", "day-of-month", "day-of-year", "month", "quarter"] as const;

/** What a table's column gives a feature or a static. */
const OfColumn = {
  column: v.optional(Name),
  scale: v.optional(Scale),
  /** Whether one more feature tells (1) where the value was missing. */
  missing: v.optional(v.boolean()),
  /** Categories instead of numbers. `"ordinal"`: their index, −1 for others. `"tokens"`: their index, for an embedding. */
  encode: v.optional(v.picklist(["one-hot", "ordinal", "tokens"])),
  /** In their order; those of the training part, sorted, unless given. */
  categories: v.optional(distinctNames(1)),
  /** `"error"` unless given. */
  unseen: v.optional(Unseen),
  /** What the feature is called; the column's name unless given. */
  name: v.optional(Name),
};

type Encoding = Readonly<Partial<Record<"encode" | "scale" | "missing" | "categories" | "unseen", unknown>>>;

function fitsEncoding({ encode, scale, missing, categories, unseen }: Encoding): boolean {
  return encode === undefined ? categories === undefined && unseen === undefined : scale === undefined && missing === undefined;
}

const FITS_ENCODING = "this has scale and missing with numbers, categories and unseen with encode";

const Feature = v.union([
  Name,
  v.pipe(
    fields({
      ...OfColumn,
      /** The step's place in the calendar (UTC), by its beginning. */
      calendar: v.optional(v.picklist(CALENDAR)),
      /** Sine and cosine of that place, one-hot, or its number from 0. `"cycle"` unless given. */
      as: v.optional(v.picklist(["cycle", "one-hot", "number"])),
      /** Time since the step before, in these; 0 at the first. */
      elapsed: v.optional(v.picklist(UNITS)),
      /** Steps since the last at which this column is not 0; counted from before the first step where there is none. */
      stepsSince: v.optional(Name),
      /** This column's sum over the group's steps so far. */
      total: v.optional(Name),
    }),
    v.check(
      ({ column, calendar, elapsed, stepsSince, total }) =>
        [column, calendar, elapsed, stepsSince, total].filter((kind) => kind !== undefined).length === 1,
      "this must have one of column, calendar, elapsed, stepsSince and total",
    ),
    v.check(({ calendar, as }) => as === undefined || calendar !== undefined, "this has as with calendar"),
    v.check(
      ({ column, encode, missing }) => column !== undefined || (encode === undefined && missing === undefined),
      "this has encode and missing with column",
    ),
    v.check(({ calendar, scale }) => calendar === undefined || scale === undefined, "this has no scale with calendar"),
    v.check((feature) => fitsEncoding(feature), FITS_ENCODING),
  ),
]);

const Static = v.union([
  Name,
  v.pipe(
    fields({ ...OfColumn, column: Name, encode: v.optional(v.picklist(["one-hot", "ordinal"])) }),
    v.check((feature) => fitsEncoding(feature), FITS_ENCODING),
  ),
]);

const Window = fields({
  /** Steps of a sample, at most. */
  size: v.optional(Positive),
  /** Steps from one sample's end to the next one's. 1 unless given. Without effect on cut-offs. */
  stride: v.optional(Positive, 1),
  /** Whether the windows that begin before the group does are samples too, shorter ones. */
  prefixes: v.optional(v.boolean(), false),
  /** Steps of a sample, at least. 1 unless given. */
  minimum: v.optional(Positive, 1),
  /** What becomes of a group that is too short for a sample. `"error"` unless given. */
  short: v.optional(v.picklist(["error", "skip"]), "error"),
});

const Target = v.pipe(
  fields({
    /** The class of the group: this column, the same in all of its rows. */
    label: v.optional(Name),
    /** The class of the sample's last row: this column. */
    last: v.optional(Name),
    /** Whether a row after the sample's end fulfils this, `within` so many steps or so long. */
    event: v.optional(Where),
    within: v.optional(v.union([Positive, Duration])),
    /** The classes, in the model's order; for an event its absence and its presence. Those of the training part, sorted, unless given. */
    classes: v.optional(distinctNames(2)),
    /** Numbers: these columns at steps after the sample's end. */
    values: v.optional(v.union([Name, v.pipe(v.array(Name), v.minLength(1))])),
    /** How many steps ahead the first of them is. 1 unless given. */
    horizon: v.optional(Positive, 1),
    /** For how many steps from there on. 1 unless given. */
    steps: v.optional(Positive, 1),
    /** What the model is to learn of the values instead; `predict({ rows })` gives them as they are. */
    scale: v.optional(Scale),
  }),
  v.check(
    ({ label, last, event, values }) => [label, last, event, values].filter((kind) => kind !== undefined).length === 1,
    "this must have one of label, last, event and values",
  ),
  v.check(({ event, within }) => (event === undefined) === (within === undefined), "this has event and within together"),
  v.check(
    ({ event, classes }) => event === undefined || classes === undefined || classes.length === 2,
    "this has two classes with event: its absence and its presence",
  ),
  v.check(
    ({ values, classes, scale }) => (values === undefined ? scale === undefined : classes === undefined),
    "this has scale with values, classes without",
  ),
);

/** The schema of a pipeline's definition. */
export const PipelineSchema = v.pipe(
  fields({
    /** The column that tells which rows belong together; all of them unless given. */
    group: v.optional(Name),
    /** The column that orders a group's rows; they stay in the table's order unless given. */
    time: v.optional(Name),
    /** Which rows count: the others might as well not be there. All of them unless given. */
    where: v.optional(Where),
    steps: v.optional(Steps, {}),
    /** What the rows of a step come to, by name: for every kind of step but `"row"`. */
    aggregate: v.optional(v.record(Name, Aggregate)),
    /** What stands for missing values: of each column, or by name. `"error"` unless given. */
    fill: v.optional(v.union([v.picklist(FILLS), v.record(Name, Fill)]), "error"),
    /** What the model reads of each step, in this order; a name alone is a column as it is. */
    features: v.pipe(v.array(Feature), v.minLength(1)),
    /** What it reads of the whole sequence: columns that do not change within a group. */
    statics: v.optional(v.array(Static), []),
    /** Which steps make a sample; all of a group's unless given. */
    window: v.optional(Window, {}),
    /** What the model is to predict. Without one, `apply` has nothing to give but `sequences` does. */
    target: v.optional(Target),
  }),
  v.check(
    ({ features }) => features.filter((feature) => typeof feature === "object" && feature.encode === "tokens").length <= 1,
    "this has one feature of tokens at most",
  ),
  v.check(({ time, steps }) => time !== undefined || steps.every === "row", "this needs a time: only steps of rows can do without"),
  v.check(({ time, steps }) => time !== undefined || steps.cutOffs === undefined, "this needs a time for its cut-offs"),
  v.check(
    ({ steps, aggregate }) => (steps.every === "row") === (aggregate === undefined),
    "this has aggregate with every kind of step but of rows",
  ),
);

/** A pipeline as its author writes it: plain data. */
export type PipelineDefinition = DeepReadonly<v.InferInput<typeof PipelineSchema>>;

/** The same with every default filled in. */
export type Definition = v.InferOutput<typeof PipelineSchema>;

export type FeatureDefinition = Exclude<Definition["features"][number], string>;
export type StaticDefinition = Exclude<Definition["statics"][number], string>;
export type TargetDefinition = NonNullable<Definition["target"]>;
export type AggregateDefinition = v.InferOutput<typeof Aggregate>;
export type WhereDefinition = v.InferOutput<typeof Where>;
export type ConditionDefinition = v.InferOutput<typeof Condition>;
export type CellValue = v.InferOutput<typeof Cell>;
export type DurationDefinition = v.InferOutput<typeof Duration>;
export type Every = Definition["steps"]["every"];
export type FillRule = v.InferOutput<typeof Fill>;
export type ScaleKind = (typeof SCALES)[number];
export type CalendarPart = (typeof CALENDAR)[number];
export type Unit = (typeof UNITS)[number];

export const SCALE_KINDS = SCALES;

/** A point in time as people write it: ISO 8601, read as UTC, or milliseconds since 1970. */
export type TimeLike = string | number | Date;

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
