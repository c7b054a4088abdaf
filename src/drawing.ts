// Observable Plot's pictures as SVG text, in a browser's document or, where there is none, in one of linkedom's. Both packages are
// optional peers, and their declarations do not hold under this project's strictness (they need `skipLibCheck`, and d3's types):
// so they are imported `as string`, which the compiler does not follow, and what is used of them is declared here.

import { optionalPackage } from "./optional-package.js";

/** Something drawn. */
export interface Mark {
  readonly data: unknown;
}

/** A number, a colour, a column's name, or a function of a datum. */
type Channel = string | number | boolean | ((datum: never) => unknown);

export type MarkOptions = Readonly<Record<string, Channel>>;

/** https://observablehq.com/plot/features/scales */
export interface ScaleOptions {
  readonly type?: "linear" | "log" | "utc" | "point" | "identity";
  readonly domain?: readonly unknown[];
  readonly padding?: number;
  readonly label?: string | null;
  readonly labelAnchor?: "center";
  readonly labelArrow?: "none";
  readonly grid?: boolean;
  readonly ticks?: number | readonly number[];
  readonly tickFormat?: string | ((value: number) => string);
  readonly tickSize?: number;
}

/** https://observablehq.com/plot/features/plots */
export interface PlotOptions {
  readonly width?: number;
  readonly height?: number;
  readonly marginLeft?: number;
  readonly marginBottom?: number;
  readonly marginTop?: number;
  readonly inset?: number;
  readonly style?: Readonly<Record<string, string>>;
  /** What the picture is called: it is one image then to those who hear it. */
  readonly ariaLabel?: string;
  readonly ariaDescription?: string;
  readonly x: ScaleOptions;
  readonly y: ScaleOptions;
  readonly fx?: ScaleOptions;
  readonly opacity?: ScaleOptions;
  readonly marks: readonly Mark[];
}

type DrawMark = (data: readonly unknown[], options: MarkOptions) => Mark;

/** `@observablehq/plot`: https://observablehq.com/plot/features/marks */
export interface Plot {
  plot(options: PlotOptions & { readonly document: Document }): SVGSVGElement;
  frame(options: MarkOptions): Mark;
  readonly areaY: DrawMark;
  readonly cell: DrawMark;
  readonly dot: DrawMark;
  readonly line: DrawMark;
  readonly ruleX: DrawMark;
  readonly text: DrawMark;
}

/** `linkedom` */
interface Linkedom {
  parseHTML(html: string): { readonly document: Document };
}

/** Plot, and a picture's SVG. */
export interface Drawing {
  readonly Plot: Plot;
  draw(options: PlotOptions): string;
}

/** @throws {GatewiseError} `missing_package` without `@observablehq/plot`, and where there is no document without `linkedom` */
export async function openDrawing(): Promise<Drawing> {
  const importPlot = () => import("@observablehq/plot" as string) as Promise<Plot>;
  const Plot = await optionalPackage("@observablehq/plot", "draws pictures", importPlot);
  const document = typeof globalThis.document === "undefined" ? await emptyDocument() : globalThis.document;
  return {
    Plot,
    draw(options) {
      const svg = Plot.plot({ ...options, document });
      if (options.ariaLabel !== undefined) svg.setAttribute("role", "img");
      return svg.outerHTML;
    },
  };
}

async function emptyDocument(): Promise<Document> {
  const importLinkedom = () => import("linkedom" as string) as Promise<Linkedom>;
  const { parseHTML } = await optionalPackage("linkedom", "gives pictures a document outside browsers", importLinkedom);
  return parseHTML("<!doctype html><html><body></body></html>").document;
}
