// A pickle reader that builds plain data and never runs anything: Python's names resolve in a table of the caller.
// Source: CPython's Lib/pickletools.py (the opcodes); protocols 2 to 5 without out-of-band buffers and extensions.
// Invariants: any bytes give a value or an AppError; time and memory are linear in the number of bytes (pickle-budget.ts).
import { Machine, type PickleContext, type PickleValue } from "./pickle-machine.ts";

/**
 * Reads one pickle.
 *
 * @param start - offset of its first byte in `bytes`
 * @returns the value, and the offset after its STOP
 * @throws AppError("data", "PICKLE_GLOBAL") naming what the table does not hold
 * @throws AppError("data", "PICKLE_DAMAGED") for anything that is not a whole pickle of these protocols
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  context: PickleContext,
): { value: PickleValue; end: number } {
  const machine = new Machine(bytes, start, context);
  while (!machine.stopped) {
    const code = machine.uint(1);
    const step = OPCODES[code];
    if (step === undefined) throw machine.damaged(`opcode 0x${code.toString(16)}`);
    step(machine);
  }
  return { value: machine.pop(), end: machine.position };
}

type Step = (m: Machine) => void;

const OPCODES: { readonly [code: number]: Step } = {
  [0x80]: (m) => {
    const protocol = m.uint(1);
    if (protocol > 5) throw m.damaged(`protocol ${protocol}`);
  }, // PROTO
  [0x95]: (m) => void m.uint(8), // FRAME
  [0x2e]: (m) => {
    m.stopped = true;
  }, // STOP
  [0x28]: (m) => m.mark(), // MARK
  [0x30]: (m) => void m.pop(), // POP
  [0x31]: (m) => void m.popMark(), // POP_MARK
  [0x32]: (m) => m.push(m.top()), // DUP
  [0x4e]: (m) => m.push(null), // NONE
  [0x88]: (m) => m.push(true), // NEWTRUE
  [0x89]: (m) => m.push(false), // NEWFALSE
  [0x4a]: (m) => m.push(m.int32()), // BININT
  [0x4b]: (m) => m.push(m.uint(1)), // BININT1
  [0x4d]: (m) => m.push(m.uint(2)), // BININT2
  [0x8a]: (m) => m.push(m.long(m.uint(1))), // LONG1
  [0x8b]: (m) => m.push(m.long(m.uint(4))), // LONG4
  [0x47]: (m) => m.push(m.float64()), // BINFLOAT
  [0x58]: (m) => m.push(m.text(m.uint(4))), // BINUNICODE
  [0x8c]: (m) => m.push(m.text(m.uint(1))), // SHORT_BINUNICODE
  [0x8d]: (m) => m.push(m.text(m.uint(8))), // BINUNICODE8
  [0x54]: (m) => m.push(m.latin1(m.uint(4))), // BINSTRING, Python 2's str
  [0x55]: (m) => m.push(m.latin1(m.uint(1))), // SHORT_BINSTRING
  [0x42]: (m) => m.push(m.blob(m.uint(4))), // BINBYTES
  [0x43]: (m) => m.push(m.blob(m.uint(1))), // SHORT_BINBYTES
  [0x8e]: (m) => m.push(m.blob(m.uint(8))), // BINBYTES8
  [0x96]: (m) => m.push(m.blob(m.uint(8))), // BYTEARRAY8
  [0x7d]: (m) => m.collect(new Map()), // EMPTY_DICT
  [0x5d]: (m) => m.push(m.popMany(0)), // EMPTY_LIST
  [0x29]: (m) => m.push(m.popMany(0)), // EMPTY_TUPLE
  [0x8f]: (m) => m.collect(new Set()), // EMPTY_SET
  [0x74]: (m) => m.push(m.popMark()), // TUPLE
  [0x85]: (m) => m.push(m.popMany(1)), // TUPLE1
  [0x86]: (m) => m.push(m.popMany(2)), // TUPLE2
  [0x87]: (m) => m.push(m.popMany(3)), // TUPLE3
  [0x6c]: (m) => m.push(m.popMark()), // LIST
  [0x64]: (m) => {
    const items = m.popMark();
    m.collect(new Map());
    m.setItems(items);
  }, // DICT
  [0x91]: (m) => m.collect(new Set(m.popMark())), // FROZENSET
  [0x61]: (m) => m.append(m.popMany(1)), // APPEND
  [0x65]: (m) => m.append(m.popMark()), // APPENDS
  [0x73]: (m) => m.setItems(m.popMany(2)), // SETITEM
  [0x75]: (m) => m.setItems(m.popMark()), // SETITEMS
  [0x90]: (m) => m.addItems(m.popMark()), // ADDITEMS
  [0x71]: (m) => m.remember(m.uint(1)), // BINPUT
  [0x72]: (m) => m.remember(m.uint(4)), // LONG_BINPUT
  [0x94]: (m) => m.remember(m.memo.size), // MEMOIZE
  [0x68]: (m) => m.recall(m.uint(1)), // BINGET
  [0x6a]: (m) => m.recall(m.uint(4)), // LONG_BINGET
  [0x63]: (m) => m.global(m.line(), m.line()), // GLOBAL
  [0x93]: (m) => {
    const name = m.popString();
    m.global(m.popString(), name);
  }, // STACK_GLOBAL
  [0x52]: (m) => {
    const args = m.popList();
    m.call(m.pop(), args);
  }, // REDUCE
  [0x81]: (m) => {
    const args = m.popList();
    m.create(m.pop(), args);
  }, // NEWOBJ
  [0x62]: (m) => m.build(), // BUILD
  [0x51]: (m) => m.persist(), // BINPERSID
};
