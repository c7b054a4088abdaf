// Runs a pickle: a stack, a memo, and a host that says what names and persistent ids stand for. Nothing is called but what the
// host's closed list has; no object of Python is made, no attribute set. Which opcodes there are is in ./opcodes.ts.
//
// Why not the package `pickleparser` (0.2.1), which a restricted list of names alone would not make safe:
// - BUILD assigns whatever keys the file has to lists, tensors and functions (`Object.assign`), `__proto__` and `map` among them;
//   DICT assigns them to the Map that it makes, instead of putting them into it.
// - A dictionary's key that is a list is joined to a string: lists of lists of the same lists (billion laughs) take forever.
// - One byte makes a Map or a memo's entry, and nothing limits them; a LONG4 of 400 kB takes 20 seconds; APPENDS of 200,000
//   numbers overflows the stack.
// - A memo's entry that is not there becomes `undefined`, and negative integers beyond 32 bits come out as other numbers.
// - It refuses integers of more than 8 bytes: the magic number that every file of the legacy format begins with is one.
// None of this can be mended from outside.

import type { Complaints } from "../complaints.js";
import type { PickleBytes } from "./bytes.js";
import { ARRAY_BYTES, type CallContext, ENTRY_BYTES, Global, MAP_BYTES, NumpyType, type Operand, describe, isList, isTuple } from "./operands.js";
import { isPlainNumpyState } from "./numpy.js";

/** What a pickle's names and persistent ids stand for. */
export interface PickleHost extends CallContext {
  /** The listed global; undefined where it is not listed. */
  global(module: string, name: string): Operand | undefined;
  /** What a persistent id stands for; undefined where it is none. */
  persistent(id: readonly Operand[]): Operand | undefined;
}

export class Machine {
  readonly bytes: PickleBytes;
  readonly host: PickleHost;
  /** As errors call the pickle. */
  readonly #at: string | undefined;
  readonly #stack: Operand[] = [];
  /** Where on the stack each mark stands: what is below the last is out of reach. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Operand>();

  constructor(bytes: PickleBytes, host: PickleHost, at: string | undefined) {
    this.bytes = bytes;
    this.host = host;
    this.#at = at;
  }

  damaged(message: string): ReturnType<Complaints["damaged"]> {
    return this.host.complaints.damaged(`${message} (at byte ${this.bytes.position} of the pickle): get the file again`, this.#at);
  }

  unsafe(message: string): ReturnType<Complaints["unsafe"]> {
    return this.host.complaints.unsafe(message, this.#at);
  }

  push(operand: Operand): void {
    this.#stack.push(operand);
  }

  pop(): Operand {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length <= floor) throw this.damaged("it takes a value where there is none");
    return this.#stack.pop() as Operand;
  }

  top(): Operand {
    const top = this.pop();
    this.#stack.push(top);
    return top;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  /** What came after the last mark, as an array of its own. */
  popMark(): Operand[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.damaged("it goes back to a mark that is not there");
    return this.#stack.splice(mark);
  }

  /** What the pickle leaves when it stops: one value. */
  result(): Operand {
    if (this.#marks.length > 0 || this.#stack.length !== 1) throw this.damaged("it ends with other than one value");
    return this.pop();
  }

  put(index: number): void {
    if (!this.#memo.has(index)) this.host.charge(ENTRY_BYTES);
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const operand = this.#memo.get(index);
    if (operand === undefined) throw this.damaged(`it takes number ${index} of what it noted, and noted none`);
    this.push(operand);
  }

  pushString(text: string | undefined): void {
    if (text === undefined) throw this.damaged("a string is not UTF-8");
    this.host.charge(24 + 2 * text.length);
    this.push(text);
  }

  pushBytes(bytes: Uint8Array): void {
    this.host.charge(ARRAY_BYTES + bytes.length);
    this.push(bytes.slice());
  }

  pushList(items: Operand[]): void {
    this.host.charge(ARRAY_BYTES + 8 * items.length);
    this.push(items);
  }

  pushTuple(items: Operand[]): void {
    this.host.charge(ARRAY_BYTES + 8 * items.length);
    this.push(Object.freeze(items) as Operand[]);
  }

  /** A tuple of the `count` topmost values. */
  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop());
    this.pushTuple(items.toReversed());
  }

  append(items: readonly Operand[]): void {
    const list = this.top();
    if (!isList(list)) throw this.damaged(`it appends to ${describe(list)}`);
    this.host.charge(8 * items.length);
    for (const item of items) list.push(item);
  }

  pushMap(): void {
    this.host.charge(MAP_BYTES);
    this.push(new Map());
  }

  /** Puts keys and values, in turn, into the dictionary on top. */
  setItems(items: readonly Operand[]): void {
    const map = this.top();
    if (!(map instanceof Map)) throw this.damaged(`it puts entries into ${describe(map)}`);
    if (items.length % 2 !== 0) throw this.damaged("a dictionary has a key without a value");
    this.host.charge((items.length / 2) * ENTRY_BYTES);
    for (let index = 0; index < items.length; index += 2) {
      const key = items[index] as Operand;
      if (typeof key === "object" && key !== null && !isTuple(key)) throw this.damaged(`${describe(key)} is a dictionary's key`);
      map.set(key, items[index + 1] as Operand);
    }
  }

  persistent(id: Operand): void {
    const found = isTuple(id) ? this.host.persistent(id) : undefined;
    if (found === undefined) {
      const shown = isTuple(id) ? `(${id.slice(0, 6).map(describe).join(", ")})` : describe(id);
      throw this.unsafe(`its pickle refers to something outside it by ${shown}, which is not how PyTorch names a storage: nothing of it was read`);
    }
    this.host.charge(ARRAY_BYTES);
    this.push(found);
  }

  /** Calls what is below the topmost value with it: REDUCE. */
  reduce(): void {
    const args = this.pop();
    const called = this.pop();
    if (!(called instanceof Global) || called.call === undefined) {
      throw this.unsafe(`its pickle calls ${describe(called)}, which is not among what tensors are made with: nothing was called`);
    }
    if (!isTuple(args)) throw this.damaged(`${called.title} is called with ${describe(args)}`);
    const made = called.call(args, this.host);
    if (made === undefined) throw this.damaged(`${called.title} is called with what it does not take: (${args.slice(0, 10).map(describe).join(", ")})`);
    this.push(made);
  }

  /**
   * The state of what is below the topmost value: BUILD. Of an `OrderedDict` that is its attributes, such as `_metadata` (the
   * versions of a model's modules), which are no entries: they are dropped. Nothing else is given a state.
   */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof Map && state instanceof Map) return;
    if (target instanceof NumpyType && isPlainNumpyState(state)) return;
    throw this.unsafe(`its pickle sets the state of ${describe(target)} to ${describe(state)}, which tensors do not need: nothing was set`);
  }
}
