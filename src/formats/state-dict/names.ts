// The names of parameters in PyTorch's modules and in ours, and the way from one to the other. Knows no numbers and no shapes.

/** What a recurrent layer's tensors are called, before `_l0` and a direction's suffix. Those from `weight_peephole` on are ours alone. */
const RECURRENT = /^(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr|weight_peephole|gain_gates|gain_cell|bias_cell)(?:_l(\d{1,9}))?(_reverse)?$/;

/** The last part of a recurrent layer's tensor's name, taken apart. */
export interface RecurrentName {
  /** `weight_ih` */
  readonly base: string;
  /** Of a stack, counted from 0; 0 too of an `nn.LSTMCell`, which has none. */
  readonly layer: number;
  readonly reverse: "" | "_reverse";
}

/** `weight_ih_l2_reverse` taken apart; undefined of any other name. */
export function recurrentName(parameter: string): RecurrentName | undefined {
  const [, base, layer = "0", reverse = ""] = RECURRENT.exec(parameter) ?? [];
  return base === undefined ? undefined : { base, layer: Number(layer), reverse: reverse as RecurrentName["reverse"] };
}

/** The module's name, empty of the outermost, and the parameter's in it. */
export function splitName(name: string): readonly [prefix: string, parameter: string] {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? ["", name] : [name.slice(0, dot), name.slice(dot + 1)];
}

export function joinName(prefix: string, parameter: string): string {
  return prefix === "" ? parameter : `${prefix}.${parameter}`;
}

/** Our name of a parameter whose module stands at `place`: layer l of a stack at `layers.K` is our layer K + l. */
export function nameAt(place: string, parameter: string): string {
  const [, first] = /^layers(?:\.(\d{1,9}))?$/.exec(place) ?? [];
  const recurrent = /^layers(\.\d{1,9})?$/.test(place) ? recurrentName(parameter) : undefined;
  if (!recurrent) return joinName(place, parameter);
  return `layers.${Number(first ?? 0) + recurrent.layer}.${recurrent.base}_l0${recurrent.reverse}`;
}

/** What the names of our models' modules begin with. */
export const PLACES: readonly string[] = ["layers", "embedding", "initial", "attention", "output", "input", "statics"];

/** Whether a module of this name is one of our models'. */
export function isPlace(prefix: string): boolean {
  return PLACES.includes(prefix) || /^(layers\.\d{1,9}(\.norm)?|output\.norm)$/.test(prefix);
}
