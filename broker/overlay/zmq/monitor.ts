import { type KeyPair, mismatch } from "../../ports/mod.ts";
import { MonitorEvent } from "./options.ts";
import type { Poller, Source } from "./poller.ts";
import type { Socket } from "./socket.ts";

/** Something that happened to a connection of a socket. */
export interface Happening {
  /** One of `MonitorEvent`. */
  event: number;
  /** errno, descriptor or protocol error, depending on the event. */
  value: number;
  /** Endpoint of the other side, as far as it is known. */
  remote: string;
}

const decoder = new TextDecoder();

/** Reports what happens to the connections of a socket, in order. */
export class Monitor implements Source {
  readonly #poller: Poller;
  readonly #watched: Socket;
  readonly #socket: Socket;
  readonly #onHappening: (happening: Happening) => void;
  #isClosed = false;

  /** To be made before the socket binds or connects; `mask`: the events of `MonitorEvent` that are wanted. */
  constructor(poller: Poller, watched: Socket, mask: number, onHappening: (happening: Happening) => void) {
    this.#poller = poller;
    this.#watched = watched;
    this.#socket = watched.monitor(mask);
    this.#onHappening = onHappening;
    poller.add(this);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  isReadable(): boolean {
    return this.#socket.isReadable();
  }

  drain(limit: number): boolean {
    for (let i = 0; i < limit; i++) {
      if (this.#isClosed) return false;
      const happening = next(this.#socket);
      if (!happening) return false;
      this.#onHappening(happening);
    }
    return true;
  }

  /** To be called before the socket that is watched is closed. */
  close(): void {
    this.#isClosed = true;
    this.#poller.remove(this);
    this.#watched.unmonitor();
    this.#socket.close();
  }
}

/** Reads one message of format 2: event, number of values, the values, local and remote endpoint. */
function next(socket: Socket): Happening | null {
  const first = socket.receive();
  if (!first) return null;
  const parts = [first];
  while (socket.more) parts.push(socket.receive()!);
  // Numbers have 8 bytes, in this machine's order.
  const [event, value] = [parts[0], parts[2]].map((part) => Number(new BigUint64Array(part!.buffer)[0]));
  return { event: event!, value: value!, remote: decoder.decode(parts.at(-1)) };
}

/** `ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC`, `…_MECHANISM_MISMATCH`. */
const CRYPTOGRAPHIC = 0x11000001, MECHANISM_MISMATCH = 0x11000002;

/**
 * Why a handshake of a side with these keys failed, for people. Both sides see a mismatch; only the listener sees that a peer has a
 * wrong key of it.
 */
export function handshakeFailure(happening: Happening, keys: KeyPair | undefined): string {
  if (happening.event === MonitorEvent.handshakeFailedAuth) return "the key of this side is not admitted";
  if (happening.value === MECHANISM_MISMATCH) return mismatch(keys);
  if (happening.value === CRYPTOGRAPHIC) return "the peer has a wrong key of this listener";
  return `the other side does not speak the protocol (0x${happening.value.toString(16)})`;
}
