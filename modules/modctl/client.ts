/** Modules of many ranks in one step: the client's side of `modctl`. */

import type { Handle } from "../../broker/handle/mod.ts";
import { FluxError, Idset } from "../../broker/message/mod.ts";
import type { ChangeReply, ListReply, ListRequest, LoadRequest, RankFailure, RemoveRequest } from "./protocol.ts";

/** A step that failed on some ranks. Its errno is that of the first of them; its text names them all. */
export class RanksFailed extends FluxError {
  readonly failures: readonly RankFailure[];
  /** Ranks that did not fail: they have removed it, or loaded it and removed it again. */
  readonly others: Idset;
  constructor({ done, undone = "", failures }: ChangeReply) {
    super(failures[0]!.errnum, failures.map(describeFailure).join("; "));
    this.failures = failures;
    this.others = Idset.parse(done).union(Idset.parse(undone));
  }
}

type Caller = Pick<Handle, "rpc">;

/** Loads a module on all of the ranks, or on none. Throws {@link RanksFailed}, EINVAL for a set that is none. */
export async function loadModules(handle: Caller, request: LoadRequest): Promise<Idset> {
  return done(await handle.rpc<ChangeReply>("modctl.load", request));
}

/**
 * Removes a module on those of the ranks that have it. Throws {@link RanksFailed} with those that could not, ENOENT when
 * none had it.
 */
export async function removeModules(handle: Caller, request: RemoveRequest): Promise<Idset> {
  return done(await handle.rpc<ChangeReply>("modctl.remove", request));
}

/** The modules of the ranks that answer, and which did not. */
export async function listModules(handle: Caller, request: ListRequest): Promise<ListReply> {
  return await handle.rpc<ListReply>("modctl.list", request);
}

function done(reply: ChangeReply): Idset {
  if (reply.failures.length > 0) throw new RanksFailed(reply);
  return Idset.parse(reply.done);
}

function describeFailure({ ranks, text }: RankFailure): string {
  return `${/[-,]/.test(ranks) ? "ranks" : "rank"} ${ranks}: ${text}`;
}
