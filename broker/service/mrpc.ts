/**
 * `mrpc`: multicast RPC (rulings). `mrpc.call` is what a client asks its broker for, `mrpc.fan` what brokers ask their
 * neighbours for; both stream answers. A call carries the caller's credentials to every rank, without LOCAL. `mrpc.tell`
 * adds to a call that is a stream; it is not answered.
 */

import { FluxError, Idset, Role } from "../message/mod.ts";
import {
  anyone,
  decodeCall,
  decodeNotes,
  encodeAnswers,
  type Methods,
  type ReceivedCall,
  type Request,
  until,
} from "../handle/mod.ts";
import { MrpcCall } from "./mrpc_call.ts";
import type { StreamMethod, StreamMethods } from "./mrpc_part.ts";
import type { BrokerParts } from "./native.ts";
import { type Fold, reduction } from "./reductions.ts";

export function mrpcService(broker: BrokerParts, streams: StreamMethods): Methods {
  const service = new MrpcService(broker, streams);
  return {
    "mrpc.call": anyone((request) => service.call(request)),
    "mrpc.fan": (request) => service.fan(request),
    "mrpc.tell": anyone((request) => service.tell(request)),
  };
}

class MrpcService {
  readonly #broker: BrokerParts;
  readonly #streams: StreamMethods;
  /** Calls that are streams, by who has asked this broker for them. */
  readonly #calls = new Map<string, MrpcCall>();

  constructor(broker: BrokerParts, streams: StreamMethods) {
    this.#broker = broker;
    this.#streams = streams;
  }

  call(request: Request): AsyncIterable<never> {
    request.requireStreaming();
    const { header, payload } = decodeCall(request.message.payload);
    const { userid, rolemask, sender, matchtag } = request;
    const caller = { sender, matchtag };
    const ranks = this.#ranks(header);
    return this.#run(
      request,
      { header: { ...header, hops: 0, down: false, userid, rolemask, caller }, payload },
      ranks,
    );
  }

  fan(request: Request): AsyncIterable<never> {
    request.requireStreaming();
    const received = decodeCall(request.message.payload);
    return this.#run(request, received, Idset.parse(received.header.ranks));
  }

  /** What comes too late is passed over. */
  tell({ sender, message }: Request): void {
    const { matchtag, notes } = decodeNotes(message.payload);
    this.#calls.get(callKey(sender, matchtag))?.tell(notes);
  }

  /** Ends with the call, with its request (cancel, disconnect), or with the link the request came over. */
  #run(request: Request, { header, payload }: ReceivedCall, ranks: Idset): AsyncIterable<never> {
    const broker = this.#broker;
    const call = new MrpcCall(broker, {
      header,
      payload,
      ranks,
      userid: header.userid,
      rolemask: header.rolemask & ~Role.local,
      fold: foldOf(header.reduce),
      method: this.#method(header),
      answer: (answers, areLast) => {
        if (areLast) request.end(encodeAnswers(answers));
        else request.respond(encodeAnswers(answers));
      },
    });
    const key = callKey(request.sender, request.matchtag);
    if (header.stream) this.#calls.set(key, call);
    request.signal.addEventListener("abort", () => call.stop(), { once: true });
    const neighbour = request.message.routes.at(-1);
    const watch = broker.router.watchPeers((id) => id === neighbour && call.stop());
    call.start();
    return until(call.done.finally(() => {
      watch[Symbol.dispose]();
      if (this.#calls.get(key) === call) this.#calls.delete(key);
    }));
  }

  /** Throws ENOSYS for one that is not there, EPERM for who may not call it. */
  #method({ stream, topic, rolemask }: ReceivedCall["header"]): StreamMethod | undefined {
    if (!stream) return undefined;
    if (!Object.hasOwn(this.#streams, topic)) throw new FluxError("ENOSYS", `${topic} cannot be called as a stream`);
    if (!(rolemask & Role.owner)) throw new FluxError("EPERM", "Request requires owner credentials");
    return this.#streams[topic];
  }

  /** Those that are called. A stream may name ranks that are not there: they answer EHOSTUNREACH. */
  #ranks({ ranks: text, stream }: ReceivedCall["header"]): Idset {
    const { size } = this.#broker.options;
    if (text === "all") return Idset.upTo(size);
    const ranks = Idset.parse(text);
    if (ranks.size === 0) throw new FluxError("EINVAL", "no rank to call");
    for (const rank of ranks) {
      if (rank < size || stream) continue;
      throw new FluxError("EINVAL", `there is no rank ${rank}: the session has ${size} ranks`);
    }
    return ranks;
  }
}

function callKey(sender: string, matchtag: number): string {
  return `${matchtag} ${sender}`;
}

function foldOf(name: string | undefined): Fold | undefined {
  const fold = name === undefined ? undefined : reduction(name);
  if (name !== undefined && !fold) throw new FluxError("EINVAL", `there is no reduction called "${name}"`);
  return fold;
}
