/** Where a request goes next, decided from its address alone (wire.md §1.4). Pure. */

import { errnum, Flag, type Message, NODEID_ANY } from "../message/mod.ts";

export type Hop =
  | { to: "local"; id: string }
  | { to: "parent" }
  | { to: "child"; id: string }
  | { to: "error"; errnum: number; text?: string };

/** What the decision needs to know of one broker. */
export interface Position {
  readonly rank: number;
  readonly size: number;
  /** The endpoint that serves this name here. */
  service(name: string): string | undefined;
  /** The child behind which `rank` lives. */
  child(rank: number): string | undefined;
}

/** `from` tells where the request came from; one that came down is never sent up again. */
export function route(request: Message, from: "local" | "parent" | "child", at: Position): Hop {
  const { nodeid } = request;
  if (request.has(Flag.upstream) && nodeid === at.rank) return up(request, from, at);
  if (nodeid === NODEID_ANY || request.has(Flag.upstream)) return here(request, at) ?? up(request, from, at);
  if (nodeid === at.rank) return here(request, at) ?? missing(request);
  const id = nodeid < at.size ? at.child(nodeid) : undefined;
  if (id !== undefined) return { to: "child", id };
  return nodeid >= at.size || at.rank === 0 || from === "parent" ? UNREACHABLE : { to: "parent" };
}

const UNREACHABLE: Hop = { to: "error", errnum: errnum("EHOSTUNREACH") };

function here(request: Message, at: Position): Hop | undefined {
  const id = at.service(request.service);
  return id === undefined ? undefined : { to: "local", id };
}

function up(request: Message, from: "local" | "parent" | "child", at: Position): Hop {
  return at.rank === 0 || from === "parent" ? missing(request) : { to: "parent" };
}

function missing(request: Message): Hop {
  return { to: "error", errnum: errnum("ENOSYS"), text: `No service matching ${request.topic} is registered` };
}
