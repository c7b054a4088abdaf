// The public names of `gatewise/data`, nothing else.

export { GatewiseError } from "../errors.js";

export type { ErrorCode } from "../errors.js";
export type { CategoryColumn, Column, NumberColumn, Table, TimeColumn } from "./table.js";
