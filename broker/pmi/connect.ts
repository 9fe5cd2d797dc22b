/**
 * The connection to PMI that a launcher gave to this process: a socket it has inherited (PMI_FD, PMI_RANK, PMI_SIZE), or an address it
 * has to call (PMI_PORT, PMI_ID), where it says who it is and is told the rest.
 */

import { FluxError } from "../message/mod.ts";
import { PmiClient, type PmiLines } from "./client.ts";
import { fdStream } from "./fd_stream.ts";
import { LineStream } from "./line_stream.ts";
import { formatPmi, parsePmi, PMI_LIMITS } from "./words.ts";

export interface PmiConnection extends AsyncDisposable {
  readonly client: PmiClient;
  readonly rank: number;
  /** Processes of the whole program. */
  readonly size: number;
}

export interface PmiTrace {
  /** Hears each line, `>` for one that is sent. */
  (direction: "<" | ">", line: string): void;
}

type Env = (name: string) => string | undefined;

/**
 * Throws ENOENT when the environment tells of no server, EINVAL for numbers that are none, EBADF for a descriptor that is not open,
 * ECONNREFUSED when nobody answers at PMI_PORT, EPROTO when it does not know us.
 */
export async function connectPmi(env: Env, trace: PmiTrace = () => {}): Promise<PmiConnection> {
  const traced = (stream: LineStream): PmiLines => ({
    async read() {
      const line = await stream.read();
      if (line !== null) trace("<", line);
      return line;
    },
    write(line) {
      trace(">", line);
      stream.write(line);
    },
  });
  if (env("PMI_FD") !== undefined) {
    const [fd, rank, size] = ["PMI_FD", "PMI_RANK", "PMI_SIZE"].map((name) => number(name, env)) as [
      number,
      number,
      number,
    ];
    const stream = new LineStream(fdStream(fd), PMI_LIMITS.line);
    return { client: new PmiClient(traced(stream)), rank, size, [Symbol.asyncDispose]: () => stream.close() };
  }
  const port = env("PMI_PORT");
  if (port === undefined) {
    throw new FluxError("ENOENT", "no launcher offers PMI here: neither PMI_FD nor PMI_PORT is set");
  }
  const stream = await call(port);
  const lines = traced(stream);
  const { rank, size } = await introduce(lines, number("PMI_ID", env));
  return { client: new PmiClient(lines), rank, size, [Symbol.asyncDispose]: () => stream.close() };
}

async function call(address: string): Promise<LineStream> {
  const parts = /^\[?(.+?)\]?:(\d+)$/.exec(address);
  if (!parts) throw new FluxError("EINVAL", `PMI_PORT=${address} is not HOST:PORT`);
  try {
    const conn = await Deno.connect({ hostname: parts[1]!, port: Number(parts[2]) });
    return new LineStream(conn, PMI_LIMITS.line);
  } catch (error) {
    throw new FluxError("ECONNREFUSED", `PMI_PORT=${address}: nobody answers there`, { cause: error });
  }
}

/** Says which process this is; three lines tell the rest. */
async function introduce(lines: PmiLines, id: number): Promise<{ rank: number; size: number }> {
  lines.write(formatPmi({ cmd: "initack", pmiid: id }));
  const told = new Map<string, string>();
  for (const expected of ["initack", "set", "set", "set"]) {
    const line = await lines.read();
    if (line === null) throw new FluxError("ECONNRESET", "PMI initack: the server has closed the connection");
    const words = parsePmi(line);
    if (words.get("cmd") !== expected || Number(words.get("rc") ?? 0) !== 0) {
      throw new FluxError("EPROTO", `PMI initack: unexpected answer "${line}"`);
    }
    for (const [name, value] of words) told.set(name, value);
  }
  return { rank: number("rank", (name) => told.get(name)), size: number("size", (name) => told.get(name)) };
}

function number(name: string, env: Env): number {
  const text = env(name);
  if (text === undefined) throw new FluxError("EINVAL", `${name} is not set`);
  if (!/^\d{1,9}$/.test(text)) throw new FluxError("EINVAL", `${name}=${text} is not a number`);
  return Number(text);
}
