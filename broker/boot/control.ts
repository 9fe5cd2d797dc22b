/**
 * What a broker and the program that started it tell each other over the same connection as PMI: a line that begins with
 * `{` is one of these, any other is PMI. When the connection ends, so does the broker.
 */

import { FluxError, type JsonObject } from "../message/mod.ts";

/** From a broker. The first line is `hello` with its rank, before any PMI. */
export type Report =
  | { readonly hello: number }
  /** It has joined its parent and loaded its modules. */
  | { readonly joined: true }
  /** State `run` is reached. */
  | { readonly up: true }
  /** It could not come up, and why; the broker ends. `status` is what the session is to end with. */
  | { readonly failed: string; readonly status: number }
  /** Rank 0: the initial program runs, as this process. */
  | { readonly program: number }
  /** It takes the place of a process of its rank that was there before: all are to be told, and to let it in. */
  | { readonly returning: { readonly uuid: string; readonly card: JsonObject } }
  /** Rank 0: somebody wants a rank to be started anew. It is answered by `restarted`. */
  | { readonly restart: number }
  /** The broker has begun to end, with this exit status. */
  | { readonly ending: Ending }
  /** What became of a `signal`: passed on, or left alone because the terminal had sent it to the program as well. */
  | { readonly signalled: "program" | "terminal" };

export interface Ending {
  readonly status: number;
  readonly reason: string;
}

/** To a broker. */
export type Order =
  /** Rank 0: run the initial program. Only then may signals follow. */
  | { readonly run: true }
  /** Rank 0: a signal for the initial program; `why`, for the log, where the signal does not say it. */
  | { readonly signal: string; readonly why?: string | undefined }
  | { readonly shutdown: string }
  /** Rank 0: tell all of a rank that comes back, with what it said of itself. */
  | { readonly returning: { readonly rank: number; readonly uuid: string; readonly card: JsonObject } }
  /** Rank 0: the rank that was to be started anew is up, or why it is not. */
  | { readonly restarted: number; readonly error?: string };

export function encodeControl(line: Report | Order): string {
  return JSON.stringify(line);
}

/** Throws EPROTO for what is none. Both ends are this program, so only the form is checked. */
export function decodeControl<T extends Report | Order>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (error) {
    throw new FluxError("EPROTO", `malformed control line "${line.slice(0, 80)}"`, { cause: error });
  }
}

/** Longest line, bytes: room for an error's text. */
export const CONTROL_LIMIT = 64 << 10;

/** Where the connection is offered, in the environment of a broker. */
export const START_SOCKET = "FLUX_START_SOCKET";

/** Set for a broker that takes the place of one that was there before. */
export const START_ANEW = "FLUX_START_ANEW";

/** Names a session that has ranks on other hosts: its brokers must be reached from there. */
export const START_SESSION = "FLUX_START_SESSION";

/** Names the process of `flux start`: a broker whose parent is another one has outlived it. */
export const START_PID = "FLUX_START_PID";

/** The name by which `flux start` on another machine has reached this host, to run the session from here. */
export const START_HOST = "FLUX_START_HOST";
