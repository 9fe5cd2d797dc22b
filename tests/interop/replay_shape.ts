/**
 * What of a message must be as it was captured, and what may differ: types, flags, topic, error, matchtag and its text,
 * the keys and JSON types of the payload; not values, uuids, times, ranks.
 */

import { decodeText, Flag, type Message, MessageType } from "../../broker/message/mod.ts";

/** One field that is not as it must be: where, what was captured, what came. */
export interface Mismatch {
  path: string;
  expected: string;
  actual: string;
}

/** What may differ in this conversation beyond what may always differ. */
export interface Tolerance {
  /** Payload paths that are not compared: `env`, `children[].duration`; `""` is the whole payload. */
  ignore?: readonly string[];
  /** Topics of which one message may have a payload and another none. */
  payloadOptional?: readonly string[];
  /** Topics that may be answered with this errno where an answer was captured. */
  refusals?: Readonly<Record<string, number>>;
}

/** A JSON value with each leaf replaced by the name of its type; a number is an `integer` or, with dot or exponent, a `real`. */
export type Shape = string | Shape[] | { [key: string]: Shape };

/** A payload is nothing, an object, a line of the log, other text (both with NUL), or bytes. */
type Payload =
  | { kind: "none" | "log line" | "bytes" }
  | { kind: "object"; shape: Shape }
  | { kind: "text"; text: string };

const LOG_LINE = /^<\d+>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+ \S+ \d+ - - /;

/** The shape of JSON text. Throws SyntaxError. */
export function shapeOf(json: string): Shape {
  const leaf = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value === "number") return /[.eE]/.test(context?.source ?? "") ? "real" : "integer";
    if (value === null) return "null";
    return typeof value === "object" ? value : typeof value;
  };
  return JSON.parse(json, leaf) as Shape;
}

/** How `actual` differs from `expected` in what must be equal; `exact` compares the payload's bytes too. */
export function mismatches(expected: Message, actual: Message, tolerance: Tolerance = {}, exact = false): Mismatch[] {
  const found: Mismatch[] = [];
  const compare = (path: string, one: string | number, other: string | number) => {
    if (one !== other) found.push({ path, expected: `${one}`, actual: `${other}` });
  };
  compare("type", expected.type, actual.type);
  compare("flags", flagNames(expected.flags), flagNames(actual.flags));
  compare("topic", expected.topic, actual.topic);
  if (actual.rolemask === 0) found.push({ path: "rolemask", expected: "not 0", actual: "0" });
  if (expected.type === MessageType.event) {
    if (actual.sequence === 0) found.push({ path: "sequence", expected: "not 0", actual: "0" });
    compare("aux2", 0, actual.aux2);
  } else {
    compare("matchtag", expected.matchtag, actual.matchtag);
    compare("routes", "", actual.routes.join(" "));
    if (actual.errnum !== 0 && expected.errnum === 0 && tolerance.refusals?.[actual.topic] === actual.errnum) {
      return found;
    }
    compare("errnum", expected.errnum, actual.errnum);
  }
  if (tolerance.payloadOptional?.includes(expected.topic)) return found;
  found.push(...payloadMismatches(expected, actual, tolerance, exact));
  return found;
}

function payloadMismatches(expected: Message, actual: Message, tolerance: Tolerance, exact: boolean): Mismatch[] {
  const [one, other] = [payloadOf(expected), payloadOf(actual)];
  const isError = expected.type === MessageType.response && expected.errnum !== 0;
  if (exact || isError) {
    const [said, heard] = [verbatim(expected.payload), verbatim(actual.payload)];
    return said === heard ? [] : [{ path: "payload", expected: said, actual: heard }];
  }
  if (one.kind !== other.kind) return [{ path: "payload", expected: describe(one), actual: describe(other) }];
  if (one.kind !== "object" || other.kind !== "object") return [];
  const found = shapeMismatches("", one.shape, other.shape, new Set(tolerance.ignore));
  return found.map((mismatch) => ({ ...mismatch, path: ["payload", mismatch.path].filter(Boolean).join(".") }));
}

/** How one shape differs from another. Each element of an array must be like one of those captured. */
export function shapeMismatches(
  path: string,
  expected: Shape,
  actual: Shape,
  ignore: ReadonlySet<string> = new Set(),
): Mismatch[] {
  if (ignore.has(path)) return [];
  const different = [{ path, expected: typeName(expected), actual: typeName(actual) }];
  if (typeof expected === "string" || typeof actual === "string") return expected === actual ? [] : different;
  if (Array.isArray(expected) !== Array.isArray(actual)) return different;

  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length === 0) return [];
    if (actual.length === 0) return [{ path, expected: "elements", actual: "empty array" }];
    return actual.flatMap((item) => {
      const attempts = expected.map((model) => shapeMismatches(`${path}[]`, model, item, ignore));
      return attempts.reduce((best, attempt) => attempt.length < best.length ? attempt : best);
    });
  }
  const [one, other] = [new Map(Object.entries(expected)), new Map(Object.entries(actual))];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((key) => {
    const where = path ? `${path}.${key}` : key;
    const [model, value] = [one.get(key), other.get(key)];
    if (ignore.has(where)) return [];
    if (model === undefined) return [{ path: where, expected: "no such key", actual: typeName(value!) }];
    if (value === undefined) return [{ path: where, expected: typeName(model), actual: "no such key" }];
    return shapeMismatches(where, model, value, ignore);
  });
}

function payloadOf(message: Message): Payload {
  const { payload } = message;
  if (!payload) return { kind: "none" };
  if (payload.at(-1) !== 0) return { kind: "bytes" };
  const text = decodeText(payload);
  if (LOG_LINE.test(text)) return { kind: "log line" };
  try {
    if (text.startsWith("{")) return { kind: "object", shape: shapeOf(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { kind: "text", text };
}

function describe(payload: Payload): string {
  const text = payload.kind === "text" ? payload.text : payload.kind === "object" ? JSON.stringify(payload.shape) : "";
  return `${payload.kind} ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`.trimEnd();
}

/** A payload as it is: text in quotes when it ends in NUL, else hexadecimal. */
function verbatim(payload: Uint8Array | undefined): string {
  if (!payload) return "none";
  return payload.at(-1) === 0 ? JSON.stringify(decodeText(payload)) : `bytes ${payload.toHex()}`;
}

function typeName(shape: Shape): string {
  return typeof shape === "string" ? shape : Array.isArray(shape) ? "array" : "object";
}

function flagNames(flags: number): string {
  return Object.entries(Flag).filter(([, bit]) => flags & bit).map(([name]) => name).join("|");
}
