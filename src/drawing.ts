// Observable Plot outside of a browser: its pictures as SVG text. Both packages that this takes are optional peers, and their
// declarations hold up only with `skipLibCheck`: so this file says itself what of them is used.

import { optionalPackage } from "./optional-package.js";

/** Something that Plot draws. */
export type Mark = object;

/** Options of a picture, a mark or a scale, as Plot's documentation has them. */
export type DrawingOptions = Readonly<Record<string, unknown>>;

/** The parts of Plot that are used: https://observablehq.com/plot/features/marks. */
export interface Plot {
  plot(options: DrawingOptions): { readonly outerHTML: string };
  frame(options?: DrawingOptions): Mark;
  dot(data: readonly unknown[], options: DrawingOptions): Mark;
  line(data: readonly unknown[], options: DrawingOptions): Mark;
}

/** Plot, and a picture's SVG. */
export interface Drawing {
  readonly Plot: Plot;
  draw(options: DrawingOptions): string;
}

/** @throws {GatewiseError} `missing_package` where one of the two packages is not installed */
export async function openDrawing(): Promise<Drawing> {
  // As strings: the compiler shall not look into them.
  const names: { plot: string; dom: string } = { plot: "@observablehq/plot", dom: "linkedom" };
  const Plot: Plot = await optionalPackage(names.plot, "draws pictures", () => import(names.plot));
  const load = (): Promise<{ parseHTML(html: string): { document: object } }> => import(names.dom);
  const { parseHTML } = await optionalPackage(names.dom, "gives pictures a document to be drawn in", load);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return { Plot, draw: (options) => Plot.plot({ document, ...options }).outerHTML };
}
