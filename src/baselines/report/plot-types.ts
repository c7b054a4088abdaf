// As much of Observable Plot and of linkedom as reports draw with. Their own declarations do not hold under this project's strictness
// (they need `skipLibCheck`, and d3's types), so the packages are imported `as string`, which the compiler does not follow.

/** A number, a colour, a column's name, or a function of a datum. */
type Channel = string | number | ((datum: never) => unknown);

export type MarkOptions = Readonly<Record<string, Channel>>;

/** Something drawn. */
export interface Mark {
  readonly data: unknown;
}

interface ScaleOptions {
  readonly label?: string | null;
  readonly labelAnchor?: "center";
  readonly labelArrow?: "none";
  readonly domain?: readonly unknown[];
  readonly type?: "utc" | "identity";
  readonly grid?: boolean;
  readonly tickSize?: number;
  readonly ticks?: number;
}

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly marginLeft: number;
  readonly marginBottom: number;
  readonly marginTop: number;
  readonly ariaLabel: string;
  readonly ariaDescription: string;
  readonly x: ScaleOptions;
  readonly y: ScaleOptions;
  readonly opacity?: ScaleOptions;
  readonly marks: readonly Mark[];
}

type DrawMark = (data: readonly unknown[], options: MarkOptions) => Mark;

/** `@observablehq/plot` */
export interface Plot {
  plot(options: PlotOptions & { readonly document: Document; readonly style: Readonly<Record<string, string>> }): SVGSVGElement;
  readonly line: DrawMark;
  readonly dot: DrawMark;
  readonly areaY: DrawMark;
  readonly ruleX: DrawMark;
  readonly cell: DrawMark;
  readonly text: DrawMark;
}

/** `linkedom` */
export interface Linkedom {
  parseHTML(html: string): { readonly document: Document };
}
