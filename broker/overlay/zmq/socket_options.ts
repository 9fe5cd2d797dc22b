import { FluxError, MESSAGE_LIMIT } from "../../message/mod.ts";
import { Option } from "./options.ts";
import type { Socket } from "./socket.ts";

/**
 * TCP connections whose other end is silently gone (a cut cable) end within about 30 s, by the kernel's own means:
 * they cost nothing when idle.
 */
const KEEPALIVE_IDLE_S = 15, KEEPALIVE_INTERVAL_S = 5, KEEPALIVE_COUNT = 3, USER_TIMEOUT_MS = 30_000;

/** What a message may grow by when it is encrypted, with room to spare. */
const ENVELOPE = 1024;

/** What every data socket is given. libzmq's own marks are off: `Outbox` bounds what it holds. */
export function setCommonOptions(socket: Socket, places: readonly string[]): void {
  socket.set(Option.sendHighWater, 0);
  socket.set(Option.receiveHighWater, 0);
  socket.set(Option.maxMessageSize, MESSAGE_LIMIT + ENVELOPE);
  if (!places.some((place) => place.startsWith("tcp:"))) return;
  socket.set(Option.tcpKeepalive, 1);
  socket.set(Option.tcpKeepaliveIdle, KEEPALIVE_IDLE_S);
  socket.set(Option.tcpKeepaliveInterval, KEEPALIVE_INTERVAL_S);
  socket.set(Option.tcpKeepaliveCount, KEEPALIVE_COUNT);
  socket.set(Option.tcpUserTimeout, USER_TIMEOUT_MS);
}

/** Throws EMSGSIZE for a body that the other side would refuse, and end the connection for. */
export function checkSize(body: Uint8Array): void {
  if (body.length <= MESSAGE_LIMIT) return;
  throw new FluxError("EMSGSIZE", `a message of ${body.length} bytes is over the limit of ${MESSAGE_LIMIT}`);
}
