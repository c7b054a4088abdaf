// The opcodes of pickles (Lib/pickletools.py of Python has them all) that Python's picklers of protocols 1 to 5 write for data,
// and those that are refused by name, because they make objects of classes or refer to what is not in the file.

import { quoted } from "../complaints.js";
import type { Machine } from "./machine.js";

type Operation = (machine: Machine) => void;

/** More bytes than any integer of a checkpoint has; the legacy format's magic number has 10. */
const LONGEST_INTEGER = 64;

export const STOP = 0x2e;
const BINPUT = 0x71;
const LONG_BINPUT = 0x72;
const MEMOIZE = 0x94;
const EMPTY_TUPLE = 0x29;
const NEWOBJ = 0x81;

/** A two's-complement integer, its lowest byte first: a number where that is exact, else a bigint. */
function integer(machine: Machine, length: number): number | bigint {
  if (length > LONGEST_INTEGER) throw machine.damaged(`an integer has ${length} bytes`);
  const bytes = machine.bytes.take(length);
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(8 * length, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function setItem(machine: Machine): void {
  const value = machine.pop();
  const key = machine.pop();
  machine.setItems([key, value]);
}

/** A name: what the list has for it, or the end of reading. */
function pushGlobal(machine: Machine, module: unknown, name: unknown): void {
  if (typeof module !== "string" || typeof name !== "string") throw machine.damaged("a name of Python is no string");
  const found = machine.host.global(module, name);
  if (found === undefined) throw machine.unsafe(refusal(`${module}.${name}`, makesObject(machine)));
  machine.push(found);
}

/** Whether the next opcodes make an object of the class that was just named, as `torch.save(model)` does. */
function makesObject({ bytes }: Machine): boolean {
  const noted = (at: number) => {
    const opcode = bytes.peek(at);
    return opcode === BINPUT ? at + 2 : opcode === LONG_BINPUT ? at + 5 : opcode === MEMOIZE ? at + 1 : at;
  };
  const first = noted(0);
  return bytes.peek(first) === EMPTY_TUPLE && bytes.peek(noted(first + 1)) === NEWOBJ;
}

function refusal(name: string, object: boolean): string {
  if (!object) return `its pickle asks for ${quoted(name)}, which is not on the list of what tensors need: nothing was loaded`;
  const why = `its pickle is an object of the class ${quoted(name)}, which only Python can make, by running code of the file's choice`;
  return `${why}: nothing was loaded. Instead of torch.save(model), write torch.save(model.state_dict())`;
}

/** Refuses an opcode that makes an object, naming the class where it is known. */
function refuse(opcode: string, what: string): Operation {
  return (machine) => {
    throw machine.unsafe(`its pickle has ${opcode}, which ${what}: nothing was loaded`);
  };
}

function refuseInst(machine: Machine): void {
  const [module = "?", name = "?"] = [machine.bytes.line(), machine.bytes.line()];
  throw machine.unsafe(refusal(`${module}.${name}`, true));
}

const makesObjects = "makes an object of a class";
const EXTENSION = "takes something from a registry of the Python that reads it";

/** What each opcode does; those that are not here are no opcodes, or text ones of protocol 0, which cannot hold tensors. */
const OPERATIONS = table([
  // The pickle itself: PROTO, FRAME (what follows is looked at as it comes, whatever the frame's length says).
  [0x80, protocol],
  [0x95, (m) => void m.bytes.u64()],
  // The stack: MARK, POP, POP_MARK, DUP.
  [0x28, (m) => m.mark()],
  [0x30, (m) => void m.pop()],
  [0x31, (m) => void m.popMark()],
  [0x32, (m) => m.push(m.top())],
  // The memo: BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET.
  [BINPUT, (m) => m.put(m.bytes.u8())],
  [LONG_BINPUT, (m) => m.put(m.bytes.u32())],
  [MEMOIZE, (m) => m.memoize()],
  [0x68, (m) => m.get(m.bytes.u8())],
  [0x6a, (m) => m.get(m.bytes.u32())],
  // NONE, NEWTRUE, NEWFALSE.
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  // Numbers: BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT.
  [0x4a, (m) => m.push(m.bytes.i32())],
  [0x4b, (m) => m.push(m.bytes.u8())],
  [0x4d, (m) => m.push(m.bytes.u16())],
  [0x8a, (m) => m.push(integer(m, m.bytes.u8()))],
  [0x8b, (m) => m.push(integer(m, m.bytes.u32()))],
  [0x47, (m) => m.push(m.bytes.f64())],
  // Strings, those of Python 2 too: BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, BINSTRING, SHORT_BINSTRING.
  [0x58, (m) => m.pushString(m.bytes.string(m.bytes.u32()))],
  [0x8c, (m) => m.pushString(m.bytes.string(m.bytes.u8()))],
  [0x8d, (m) => m.pushString(m.bytes.string(m.bytes.u64()))],
  [0x54, (m) => m.pushString(m.bytes.string(m.bytes.u32()))],
  [0x55, (m) => m.pushString(m.bytes.string(m.bytes.u8()))],
  // Bytes: BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
  [0x42, (m) => m.pushBytes(m.bytes.take(m.bytes.u32()))],
  [0x43, (m) => m.pushBytes(m.bytes.take(m.bytes.u8()))],
  [0x8e, (m) => m.pushBytes(m.bytes.take(m.bytes.u64()))],
  [0x96, (m) => m.pushBytes(m.bytes.take(m.bytes.u64()))],
  // Tuples: EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3; FROZENSET.
  [EMPTY_TUPLE, (m) => m.pushTuple([])],
  [0x74, (m) => m.pushTuple(m.popMark())],
  [0x85, (m) => m.tuple(1)],
  [0x86, (m) => m.tuple(2)],
  [0x87, (m) => m.tuple(3)],
  [0x91, (m) => m.pushTuple(m.popMark())],
  // Lists and sets: EMPTY_LIST, APPEND, APPENDS; EMPTY_SET, ADDITEMS.
  [0x5d, (m) => m.pushList([])],
  [0x61, (m) => m.append([m.pop()])],
  [0x65, (m) => m.append(m.popMark())],
  [0x8f, (m) => m.pushList([])],
  [0x90, (m) => m.append(m.popMark())],
  // Dictionaries: EMPTY_DICT, SETITEM, SETITEMS.
  [0x7d, (m) => m.pushMap()],
  [0x73, setItem],
  [0x75, (m) => m.setItems(m.popMark())],
  // Names and calls: GLOBAL, STACK_GLOBAL, REDUCE, BUILD, BINPERSID.
  [0x63, (m) => pushGlobal(m, m.bytes.line(), m.bytes.line())],
  [0x93, stackGlobal],
  [0x52, (m) => m.reduce()],
  [0x62, (m) => m.build()],
  [0x51, (m) => m.persistent(m.pop())],
  // What is refused by name.
  [0x69, refuseInst],
  [0x6f, refuse("OBJ", makesObjects)],
  [NEWOBJ, refuse("NEWOBJ", makesObjects)],
  [0x92, refuse("NEWOBJ_EX", makesObjects)],
  [0x82, refuse("EXT1", EXTENSION)],
  [0x83, refuse("EXT2", EXTENSION)],
  [0x84, refuse("EXT4", EXTENSION)],
  [0x50, refuse("PERSID", "refers to something outside it, and not as PyTorch names a storage")],
  [0x97, refuse("NEXT_BUFFER", "takes a buffer that is not in the file")],
  [0x98, refuse("READONLY_BUFFER", "takes a buffer that is not in the file")],
]);

function table(operations: readonly (readonly [opcode: number, operation: Operation])[]): readonly (Operation | undefined)[] {
  const all = Array.from<Operation | undefined>({ length: 256 });
  for (const [opcode, operation] of operations) all[opcode] = operation;
  return all;
}

function protocol(machine: Machine): void {
  const version = machine.bytes.u8();
  if (version > 5) throw machine.damaged(`it is of protocol ${version}, and there are five`);
}

function stackGlobal(machine: Machine): void {
  const name = machine.pop();
  pushGlobal(machine, machine.pop(), name);
}

/** Runs the machine until the pickle stops. */
export function run(machine: Machine): void {
  for (;;) {
    const opcode = machine.bytes.u8();
    if (opcode === STOP) return;
    const operation = OPERATIONS[opcode];
    if (!operation) throw machine.damaged(`there is no opcode 0x${opcode.toString(16).padStart(2, "0")} in what PyTorch writes`);
    operation(machine);
  }
}
