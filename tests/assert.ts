/** Assertions of all tests: thin, typed, over `node:assert`, which prints a difference when one fails. */

import { AssertionError, deepStrictEqual, notDeepStrictEqual } from "node:assert";
import { type Errno, FluxError } from "../broker/message/mod.ts";

/** Fails with `message` unless `condition` holds. */
export function assert(condition: unknown, message = "assertion failed"): asserts condition {
  if (!condition) throw new AssertionError({ message, stackStartFn: assert });
}

/** Fails unless both are equal, deeply and of the same types; a `Uint8Array` is compared by its bytes. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  deepStrictEqual(actual, expected, message);
}

/** Fails when both are equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  notDeepStrictEqual(actual, expected, message);
}

/** What a call must fail with: an errno, a part of the text, or both. Without either any {@link FluxError} will do. */
export interface Failure {
  errno?: Errno;
  text?: string | RegExp;
}

/** Fails unless `action` throws a {@link FluxError} as told; returns it. */
export function assertThrows(action: () => unknown, failure: Failure = {}): FluxError {
  try {
    action();
  } catch (error) {
    return matching(error, failure);
  }
  throw new AssertionError({
    message: `nothing was thrown, expected ${describe(failure)}`,
    stackStartFn: assertThrows,
  });
}

/** Fails unless the promise, or the one `action` returns, rejects with a {@link FluxError} as told; returns it. */
export async function assertRejects(
  action: Promise<unknown> | (() => Promise<unknown>),
  failure: Failure = {},
): Promise<FluxError> {
  try {
    await (typeof action === "function" ? action() : action);
  } catch (error) {
    return matching(error, failure);
  }
  throw new AssertionError({ message: `nothing was rejected, expected ${describe(failure)}` });
}

function matching(error: unknown, failure: Failure): FluxError {
  const { errno, text } = failure;
  if (!(error instanceof FluxError)) throw error;
  const right = (errno === undefined || error.code === errno) &&
    (text === undefined || (typeof text === "string" ? error.message.includes(text) : text.test(error.message)));
  if (!right) {
    const message = `thrown ${error.code} "${error.message}", expected ${describe(failure)}`;
    throw new AssertionError({ message });
  }
  return error;
}

function describe({ errno, text }: Failure): string {
  return [errno ?? "a FluxError", text === undefined ? "" : `with ${text}`].join(" ").trim();
}
