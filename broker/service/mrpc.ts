/**
 * `mrpc`: multicast RPC (rulings). `mrpc.call` is what a client asks its broker for, `mrpc.fan` what brokers ask their
 * neighbours for; both stream answers. A call carries the caller's credentials to every rank, without LOCAL.
 */

import { FluxError, Idset, Role } from "../message/mod.ts";
import {
  anyone,
  decodeCall,
  encodeAnswers,
  type Methods,
  type ReceivedCall,
  type Request,
  until,
} from "../handle/mod.ts";
import { MrpcCall } from "./mrpc_call.ts";
import type { BrokerParts } from "./native.ts";
import { type Fold, reduction } from "./reductions.ts";

export function mrpcService(broker: BrokerParts): Methods {
  return {
    "mrpc.call": anyone((request) => call(broker, request)),
    "mrpc.fan": (request) => fan(broker, request),
  };
}

function call(broker: BrokerParts, request: Request): AsyncIterable<never> {
  request.requireStreaming();
  const { header, payload } = decodeCall(request.message.payload);
  const ranks = rankSet(header.ranks, broker.options.size);
  const { userid, rolemask } = request;
  return run(broker, request, { header: { ...header, hops: 0, down: false, userid, rolemask }, payload }, ranks);
}

function fan(broker: BrokerParts, request: Request): AsyncIterable<never> {
  request.requireStreaming();
  const received = decodeCall(request.message.payload);
  return run(broker, request, received, Idset.parse(received.header.ranks));
}

/** Ends with the call, with its request (cancel, disconnect), or with the link the request came over. */
function run(
  broker: BrokerParts,
  request: Request,
  { header, payload }: ReceivedCall,
  ranks: Idset,
): AsyncIterable<never> {
  const call = new MrpcCall(broker, {
    header,
    payload,
    ranks,
    userid: header.userid,
    rolemask: header.rolemask & ~Role.local,
    fold: foldOf(header.reduce),
    answer: (answers) => request.respond(encodeAnswers(answers)),
  });
  request.signal.addEventListener("abort", () => call.stop(), { once: true });
  const neighbour = request.message.routes.at(-1);
  const watch = broker.router.watchPeers((id) => id === neighbour && call.stop());
  call.start();
  return until(call.done.finally(() => watch[Symbol.dispose]()));
}

function rankSet(text: string, size: number): Idset {
  if (text === "all") return Idset.upTo(size);
  const ranks = Idset.parse(text);
  if (ranks.size === 0) throw new FluxError("EINVAL", "no rank to call");
  for (const rank of ranks) {
    if (rank >= size) throw new FluxError("EINVAL", `there is no rank ${rank}: the session has ${size} ranks`);
  }
  return ranks;
}

function foldOf(name: string | undefined): Fold | undefined {
  const fold = name === undefined ? undefined : reduction(name);
  if (name !== undefined && !fold) throw new FluxError("EINVAL", `there is no reduction called "${name}"`);
  return fold;
}
