/**
 * What the two ends of a connection tell each other beside messages: a pair of parts, a kind and its value, where a
 * message is one part. libzmq itself reports the end of a connection as one part without bytes, so an empty message
 * travels as a pair too.
 */
type Bytes = Uint8Array<ArrayBuffer>;

export const Kind = {
  /** Value: how many more bytes were taken, in decimal. */
  credit: 1,
  /** Nothing more comes from this end, and it listens to nothing any more. */
  bye: 2,
  /** A message of zero bytes. */
  empty: 3,
} as const;

export type Control = readonly [kind: Bytes, value: Bytes];

const NO_VALUE: Bytes = new Uint8Array(0);

export const BYE: Control = [Uint8Array.of(Kind.bye), NO_VALUE];
export const EMPTY: Control = [Uint8Array.of(Kind.empty), NO_VALUE];

const CREDIT: Bytes = Uint8Array.of(Kind.credit);
const encoder = new TextEncoder(), decoder = new TextDecoder();

export function credit(bytes: number): Control {
  return [CREDIT, encoder.encode(String(bytes))];
}

/** The bytes of a credit; 0 for what is none. */
export function creditValue(value: Uint8Array): number {
  const bytes = Number(decoder.decode(value));
  return bytes > 0 ? bytes : 0;
}
