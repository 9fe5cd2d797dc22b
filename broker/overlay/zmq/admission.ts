import { type Claim, readClaim } from "./claim.ts";
import { SocketType } from "./options.ts";
import type { Poller, Source } from "./poller.ts";
import { type Context, Socket } from "./socket.ts";

/** Who decides about the peers of one listener; the key of those it lets in is proved. `address` is for people. */
export type Gate = (claim: Claim, address: string) => boolean;

const encoder = new TextEncoder(), decoder = new TextDecoder();
const NOTHING = new Uint8Array(0);

/**
 * The ZAP handler (RFC 27) of a context: libzmq asks it about every peer that proved to own its key or shows a password, and lets
 * nobody in before the answer. A listener is told apart by its ZAP domain.
 */
export class Admission implements Source {
  readonly #poller: Poller;
  readonly #socket: Socket;
  readonly #gates = new Map<string, Gate>();
  #domains = 0;

  constructor(context: Context, poller: Poller) {
    this.#poller = poller;
    this.#socket = new Socket(context, SocketType.rep);
    this.#socket.bind("inproc://zeromq.zap.01");
    poller.add(this);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  isReadable(): boolean {
    return this.#socket.isReadable();
  }

  /** A ZAP domain of its own for a listener. */
  addGate(gate: Gate): string {
    const domain = `listener-${this.#domains++}`;
    this.#gates.set(domain, gate);
    return domain;
  }

  removeGate(domain: string): void {
    this.#gates.delete(domain);
  }

  drain(limit: number): boolean {
    for (let i = 0; i < limit; i++) {
      const version = this.#socket.receive();
      if (!version) return false;
      const rest: Uint8Array<ArrayBuffer>[] = [];
      while (this.#socket.more) rest.push(this.#socket.receive()!);
      const [id, domain, address, _identity, mechanism, ...credentials] = rest;
      const claim = readClaim(decoder.decode(mechanism), credentials);
      const isAdmitted = this.#gates.get(decoder.decode(domain))?.(claim, readable(decoder.decode(address))) ?? false;
      // The user id comes with each message of the peer: it says whose key that is.
      const [status, text, userId] = isAdmitted ? ["200", "OK", claim.key!] : ["400", "key not admitted", ""];
      const reply = [...[version, id!], ...[status, text, userId].map((part) => encoder.encode(part)), NOTHING];
      reply.forEach((part, at) => this.#socket.send(part, at < reply.length - 1));
    }
    return true;
  }

  close(): void {
    this.#poller.remove(this);
    this.#socket.close();
  }
}

/** Over a UNIX socket libzmq gives `HOST:UID:GID:PID`, over TCP an IP address. */
function readable(address: string): string {
  const [, uid, , pid] = /^[^:]*:(\d+):(\d+):(\d+)$/.exec(address) ?? [];
  return pid ? `pid ${pid} of uid ${uid}` : address;
}
