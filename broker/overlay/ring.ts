/**
 * The ring overlay of one broker: rank r sends to its right neighbour r-1 (rank 0 to size-1). It carries debugging
 * requests only, so that a session whose tree is stuck can still be asked. The link to the right is dialled at the first
 * request.
 */

import { type Card, decode, decodeJson, encode, FluxError, Message, MessageType } from "../message/mod.ts";
import type { DialOptions, KeyPair, Link, Listener, Random, Transport } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { linkRequest } from "./link_message.ts";
import { listenOptions, seenFrom } from "./tree_options.ts";

export interface RingOptions {
  /** The route id of this broker on the ring; not the one it has in the tree. */
  readonly id: string;
  readonly hostname: string;
  readonly random: Random;
  readonly transport: Transport;
  readonly router: Router;
  readonly keys?: KeyPair | undefined;
  rankOf?(publicKey: string): number | undefined;
  log(level: "err" | "warning" | "info" | "debug", text: string): void;
}

export class Ring {
  readonly #options: RingOptions;
  /** Route ids of left neighbours by the name they dialled with. */
  readonly #left = new Map<string, string>();
  #listener: Listener | undefined;
  #right: { link: Link; id: string } | undefined;
  #aim: { uri: string; serverKey: string | undefined } | undefined;

  constructor(options: RingOptions) {
    this.#options = options;
  }

  get endpoint(): string {
    return this.#listener?.endpoint ?? "";
  }

  listen(endpoint: string): void {
    const { transport, router, log } = this.#options;
    this.#listener = transport.listen(endpoint, listenOptions(this.#options), {
      refused: (address, reason) => log("warning", `refused ${address}: ${reason}`),
      message: (peer, bytes) => {
        try {
          this.#fromLeft(peer, decode(bytes));
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          log("err", `ring: ${error.message}`);
          this.#listener?.drop(peer);
        }
      },
      down: (peer) => {
        const id = this.#left.get(peer);
        this.#left.delete(peer);
        if (id !== undefined) router.leave(id);
      },
    });
  }

  /** Says who the right neighbour is; a link to another ends. */
  aim({ ring, publicKey, hostname }: Card): void {
    this.#unlink();
    this.#aim = { uri: seenFrom(this.#options.hostname, ring, hostname), serverKey: publicKey };
  }

  /** Makes sure that there is a link to the right neighbour, if there is one; messages wait in it until it is up. */
  connect(): void {
    if (this.#right || !this.#aim) return;
    const { uri, serverKey } = this.#aim;
    const { id, keys, random, transport, router, log } = this.#options;
    const rightId = random.uuid();
    const dial: DialOptions = { name: random.uuid(), ...(keys && serverKey && { keys, serverKey }) };
    const link = transport.dial(uri, dial, {
      message: (bytes) => {
        try {
          router.fromPeer(rightId, decode(bytes));
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          log("err", `ring: ${error.message}`);
          lost();
        }
      },
      down: () => lost(),
    });
    const lost = () => {
      if (this.#right?.link === link) this.#unlink();
    };
    link.send(encode(linkRequest("ring.hello", { id })));
    this.#right = { link, id: rightId };
    router.join({
      id: rightId,
      kind: "right",
      send: (message) => {
        link.send(encode(message));
        return true;
      },
    });
  }

  close(): void {
    this.#unlink();
    this.#listener?.close();
    this.#listener = undefined;
  }

  #unlink(): void {
    const right = this.#right;
    this.#right = undefined;
    right?.link.close();
    if (right) this.#options.router.leave(right.id);
  }

  #fromLeft(peer: string, message: Message): void {
    const known = this.#left.get(peer);
    if (known !== undefined) {
      this.connect();
      return this.#options.router.fromPeer(known, message);
    }
    const { id } = decodeJson(message.payload);
    if (message.type !== MessageType.request || message.topic !== "ring.hello" || typeof id !== "string") {
      throw new FluxError("EPROTO", `unexpected "${message.topic}" before hello`);
    }
    this.#left.set(peer, id);
    this.#options.router.join({
      id,
      kind: "left",
      send: (m) => this.#listener?.send(peer, encode(m)) ?? false,
    });
  }
}
