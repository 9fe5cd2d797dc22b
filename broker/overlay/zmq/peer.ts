import type { Timer } from "../../ports/mod.ts";
import { BYE } from "./control.ts";
import { libc, libcShutdown } from "./library.ts";
import { Inbox, Outbox } from "./outbox.ts";
import type { Socket } from "./socket.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SHUT_RDWR = 2;

/** A connection to a listener, from its first message to its end. */
export class Peer {
  readonly name: string;
  /** The name as libzmq has it. */
  readonly id: Bytes;
  /** Descriptor of the connection, valid only as `sever` uses it; -1 when not known. */
  readonly fd: number;
  /** The public key it has proved to own; undefined when links have no keys. */
  readonly key: string | undefined;
  readonly outbox: Outbox;
  readonly inbox = new Inbox();
  /** A message of it was reported, so its end will be. */
  isKnown = false;
  /** Reported down, or dropped: it is known no more, and only the end of the connection is awaited. */
  isOver = false;
  isByeSent = false;
  /** Bounds that waiting. */
  grace: Timer | null = null;

  constructor(name: string, id: Bytes, fd: number, key: string | undefined, backlogLimit: number) {
    this.name = name;
    this.id = id;
    this.fd = fd;
    this.key = key;
    this.outbox = new Outbox(backlogLimit);
  }

  /** True when `length` bytes of `buffer` are this peer's id. */
  hasId(buffer: Bytes, length: number): boolean {
    if (this.id.length !== length) return false;
    // Names tend to differ at the end.
    for (let i = length - 1; i >= 0; i--) if (this.id[i] !== buffer[i]) return false;
    return true;
  }
}

/**
 * Ends the connection of a peer at once; a ROUTER has no call for that, so the connection's descriptor is shut down,
 * which libzmq takes for the peer's own end.
 *
 * The number may by now stand for another connection. So it is duplicated first and the peer written to afterwards:
 * before libzmq closes a descriptor it takes the peer off the socket, and then the write fails. If it succeeds, the
 * duplicate is the peer's connection, and stays it whatever happens meanwhile.
 */
export function sever(socket: Socket, peer: Peer): void {
  const fd = peer.fd < 0 ? -1 : libcShutdown().dup(peer.fd);
  if (fd < 0) return;
  socket.isReadable(); // takes note of connections that ended
  if (socket.send(peer.id, true)) {
    socket.send(BYE[0], true);
    socket.send(BYE[1]);
    libcShutdown().shutdown(fd, SHUT_RDWR);
  }
  libc().close(fd);
}
