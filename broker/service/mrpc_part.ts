/** What one rank does for a multicast RPC: an ordinary method is called there once; that of a stream goes on for a while. */

import { type Caller, Handle } from "../handle/mod.ts";
import { endpointChannel } from "../router/mod.ts";
import type { BrokerParts } from "./native.ts";

/** The part of one rank while it is played. */
export interface Part {
  /** What the caller of a stream says later. */
  hear?(note: Uint8Array): void;
  /** Nobody is interested in it any more. */
  stop(): void;
}

/** A call as one rank is asked for its part. */
export interface PartOptions {
  readonly payload: Uint8Array | undefined;
  readonly caller: Caller;
  /** The caller is a client of this broker. */
  readonly isLocal: boolean;
  /** There is something to say, which `take` gives once its time has come; nobody minds if that is a little later. */
  tell(take: () => Uint8Array, canWait: boolean): void;
  /** That is enough to be passed on now. */
  hurry(): void;
  /** Nothing more comes; with an error, if that is why. */
  end(error?: unknown): void;
}

/** A method that can be called as a stream on many ranks. Owners only. Throws why it does not begin. */
export type StreamMethod = (options: PartOptions) => Part;

/** Stream methods by topic. */
export type StreamMethods = Readonly<Record<string, StreamMethod>>;

export interface OnceOptions {
  readonly topic: string;
  readonly payload: Uint8Array | undefined;
  readonly userid: number;
  readonly rolemask: number;
  answer(payload: Uint8Array | undefined): void;
  fail(error: unknown): void;
}

/** Calls a method of this rank as a client of its own, so that a service can tell calls apart and hears when one is over. */
export function callOnce(broker: BrokerParts, { topic, payload, userid, rolemask, answer, fail }: OnceOptions): Part {
  const { router, ports: { clock, random }, options: { rank } } = broker;
  const channel = endpointChannel(router, { id: random.uuid(), userid, rolemask });
  const handle = new Handle(channel, { clock, rank });
  void handle.rpcRaw(topic, payload, { rank }).then(answer, fail).finally(() => handle.close());
  return { stop: () => handle.close() };
}
