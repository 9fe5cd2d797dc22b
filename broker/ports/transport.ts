/**
 * The door to the network: links between brokers that carry whole messages. Three overlays use it alike (tree,
 * events, ring); libzmq (overlay/zmq) and memory (tests/sim) implement it, and one conformance table tests both.
 *
 * The contract:
 * - An endpoint may consist of several places, separated by commas: all are listened on; a dial tries those that are there, in
 *   order, until one answers. A host name is looked up again at each attempt.
 * - A dialler presents a name of 1 to 255 bytes that is unique among all dials ever made; the listener knows it as
 *   `peer`.
 * - Between one dialler and its listener, each way, messages arrive whole, in order and at most once. What
 *   was sent but not yet received when a connection ends may be lost; nothing else is ever lost.
 * - `dial` may come before `listen`: it keeps trying until it is connected once, or closed. With `patience` it is tried
 *   once, and `down` reports `REFUSED` when nobody listens there, or any other reason when nobody answers in time.
 * - A connection that ended stays ended: `down` is reported once, and nothing arrives from it after that. Who
 *   wants to go on dials again under a new name.
 * - `send` never blocks and never drops: what the network does not take at once waits in memory, in order. A peer whose
 *   backlog passes `backlogLimit` bytes is disconnected, with that reason given in `down` (a single message may
 *   always wait). A message has at most 1 GiB; a larger one throws EMSGSIZE and changes nothing.
 * - Callbacks come from the event loop, never from inside a call of `send`, `dial` or `listen`.
 * - Buffers passed to `send` belong to the transport from then on; those passed to `message` to the receiver.
 */

/** What a listener reports of the peers that dialled it. */
export interface ListenerEvents {
  message(peer: string, bytes: Uint8Array): void;
  /** A peer from which at least one message came is gone, for `reason`. */
  down(peer: string, reason: string): void;
  /** A peer was refused before it could send anything (wrong key, no key). For the log. */
  refused?(address: string, reason: string): void;
}

export interface Listener {
  /** What others dial: the endpoint asked for, with a wildcard port filled in. */
  readonly endpoint: string;
  /** Sends to a peer that has sent something before. False when there is no such peer (any more). */
  send(peer: string, bytes: Uint8Array<ArrayBuffer>): boolean;
  /** The public key that a peer has proved to own; undefined when links have no keys, or there is no such peer. */
  keyOf(peer: string): string | undefined;
  /** Ends the connection of one peer; no `down` follows. What was sent to it before is still delivered if possible. */
  drop(peer: string): void;
  close(): void;
}

/** What the dialling side reports. */
export interface LinkEvents {
  /** Connected and, with keys, authenticated: reported once, before the first message. */
  up?(): void;
  message(bytes: Uint8Array): void;
  down(reason: string): void;
  /** The listener does not accept this side (its key, no key). Reported once, for the log; dialling goes on. */
  refused?(reason: string): void;
}

export interface Link {
  /** Queues one message; before `up` it waits. After `down` or `close` it is ignored. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the connection; no `down` follows. What was sent before is still delivered if possible. */
  close(): void;
}

/**
 * How a dialling side proves that a key is its own: by CURVE, which also encrypts what follows, or by PLAIN, which shows the secret
 * half as a password, to the listener and to everybody on the way, and encrypts nothing.
 */
export type Mechanism = "curve" | "plain";

/** How links are secured: not at all, or by keys. */
export type Security = "none" | Mechanism;

/** Curve25519 keys, Z85 text of 40 characters (RFC 32/Z85), as CURVE and the bootstrap exchange them. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
  /** How links use it; CURVE unless given. */
  readonly mechanism?: Mechanism | undefined;
}

export interface ListenOptions {
  /**
   * With keys, only peers whose public key `admits` accepts get in (none when it is missing); without, anyone who can
   * reach the endpoint.
   */
  keys?: KeyPair;
  admits?(publicKey: string): boolean;
  backlogLimit?: number;
}

export interface DialOptions {
  /** The name this side is known by at the listener. */
  name: string;
  keys?: KeyPair;
  /** The listener's public key; needed with `keys`. PLAIN cannot check it. */
  serverKey?: string;
  backlogLimit?: number;
  /** Tries once, for at most this long, ms. */
  patience?: number;
}

/** What `down` says when the machine is there and nobody listens: the process that did is gone. */
export const REFUSED = "connection refused";

/** What `refused` says when the two sides have different mechanisms. `keys`: those of this side. */
export function mismatch(keys: KeyPair | undefined): string {
  if (keys === undefined) return "the other side uses keys or passwords, this one does not";
  return `this side uses ${keys.mechanism === "plain" ? "passwords (plain)" : "keys (curve)"}, the other does not`;
}

export interface Transport {
  /**
   * Opens an endpoint, of places `ipc://PATH` and `tcp://HOST:PORT` (`*` lets the system choose the port). Throws EADDRINUSE,
   * EINVAL, EACCES.
   */
  listen(endpoint: string, options: ListenOptions, events: ListenerEvents): Listener;
  dial(endpoint: string, options: DialOptions, events: LinkEvents): Link;
  /** Closes what is open, delivers what was sent for at most `lingerMs`, and frees the rest. */
  close(lingerMs: number): Promise<void>;
}

/** Bytes that may wait for one peer before it is given up. */
export const BACKLOG_LIMIT = 1 << 30;
