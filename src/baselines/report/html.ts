import type { Comparison } from "../compare/types.js";
export async function toHtml(comparison: Comparison): Promise<string> { return comparison.title; }
