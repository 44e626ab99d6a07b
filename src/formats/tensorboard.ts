// TensorBoard event files: scalars by step, for people who watch training there.
// Sources: TFRecord framing (length, masked CRC-32C of the length, data, masked CRC-32C of the data) and the fields of
// tensorflow's event.proto and summary.proto. Written whole from a run's log, never appended to.
import { encodeMessage, kindsOf } from "./protobuf.ts";

const { Event } = kindsOf({
  Value: { tag: ["", "string", 1], simpleValue: ["", "float", 2] },
  Summary: { value: ["repeated", "Value", 1] },
  Event: {
    wallTime: ["", "double", 1],
    step: ["", "int64", 2],
    fileVersion: ["", "string", 3],
    summary: ["", "Summary", 5],
  },
});

/** Scalars of one moment. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** By tag, e.g. `loss/train`; float32 in the file. */
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * The bytes of an event file; TensorBoard takes files whose name contains `tfevents`.
 *
 * @param events - in the order of steps
 * @example encodeEvents([{ wallTime: 1.7e9, step: 38, scalars: { "loss/train": 0.41 } }])
 */
export function encodeEvents(events: readonly ScalarEvent[]): Uint8Array {
  const first = { wallTime: events[0]?.wallTime ?? 0, fileVersion: "brain.Event:2" };
  const messages = events.map(({ wallTime, step, scalars }) => ({
    wallTime,
    step,
    summary: { value: Object.entries(scalars).map(([tag, simpleValue]) => ({ tag, simpleValue })) },
  }));
  return Buffer.concat([first, ...messages].map((message) => frame(encodeMessage(Event, message))));
}

function frame(data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(16 + data.length);
  out.writeBigUInt64LE(BigInt(data.length), 0);
  out.writeUInt32LE(maskedCrc(out.subarray(0, 8)), 8);
  out.set(data, 12);
  out.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return out;
}

/** CRC-32C (Castagnoli), rotated and offset so that a checksum of checksums stays one. */
export function maskedCrc(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  const value = ~crc >>> 0;
  return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  return c;
});
