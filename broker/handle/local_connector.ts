/** The client's side of the local connector: `local://PATH` (wire.md §2.1, 2.2). */

import { FluxError, strerror } from "../message/mod.ts";
import { type Clock, sleep } from "../ports/mod.ts";
import type { Channel } from "./channel.ts";
import { connectionLost, MessageStream } from "./message_stream.ts";

const RETRIES = 5;
const FIRST_DELAY = 16;
const LONGEST_DELAY = 2000;
const PATH_LIMIT = 107;
/** A broker that accepts but says nothing for this long is taken for dead, ms. */
const HANDSHAKE_TIMEOUT = 30_000;

/** Connects to the broker's socket. Throws ENOENT, ECONNREFUSED, EACCES, EPERM, EINVAL with a text that names the path. */
export async function connectLocal(path: string, clock: Clock): Promise<Channel> {
  if (path.length > PATH_LIMIT) {
    throw new FluxError("EINVAL", `broker socket ${path}: path is longer than ${PATH_LIMIT} bytes`);
  }
  const retries = Number(Deno.env.get("FLUX_LOCAL_CONNECTOR_RETRY_COUNT") ?? RETRIES);
  let delay = FIRST_DELAY;
  for (let attempt = 0;; attempt++) {
    try {
      return await handshake(await Deno.connect({ transport: "unix", path }), path, clock);
    } catch (error) {
      if (error instanceof FluxError || attempt >= retries) throw explain(error, path);
      await sleep(clock, delay);
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }
}

/** The broker's first byte is 0, or the errno it refuses us with. */
async function handshake(conn: Deno.Conn, path: string, clock: Clock): Promise<Channel> {
  const verdict = new Uint8Array(1);
  let silent = false;
  const timer = clock.after(HANDSHAKE_TIMEOUT, () => {
    silent = true;
    conn.close();
  });
  const count = await conn.read(verdict).catch(() => null);
  timer.cancel();
  if (silent) {
    throw new FluxError(
      "ETIMEDOUT",
      `broker socket ${path}: no answer within ${HANDSHAKE_TIMEOUT / 1000} s; is it stopped?`,
    );
  }
  if (count !== 1) {
    conn.close();
    throw new Deno.errors.ConnectionReset(`broker socket ${path} was closed before the handshake`);
  }
  if (verdict[0] !== 0) {
    conn.close();
    throw new FluxError(verdict[0]!, `broker socket ${path}: ${strerror(verdict[0]!)}`);
  }
  const stream = new MessageStream(conn);
  return {
    send: (message) => stream.send(message),
    open(events) {
      stream.receive((message) => events.message(message)).then(
        () => events.closed(connectionLost()),
        (error) => events.closed(connectionLost(error)),
      ).finally(() => stream.abort());
    },
    drain: () => stream.drain(),
    close: () => stream.close(),
  };
}

function explain(error: unknown, path: string): FluxError {
  if (error instanceof FluxError) return error;
  if (error instanceof Deno.errors.NotFound) return new FluxError("ENOENT", `broker socket ${path} was not found`);
  if (error instanceof Deno.errors.ConnectionRefused) {
    return new FluxError("ECONNREFUSED", `broker socket ${path}: no broker is listening`);
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new FluxError("EACCES", `broker socket ${path}: Permission denied`);
  }
  return new FluxError("ECONNRESET", `broker socket ${path}: ${error instanceof Error ? error.message : error}`);
}
