/** The service on a rank other than 0: follows the events that tell of new roots, and sends commits to rank 0. */

import type { Event } from "../../../broker/handle/mod.ts";
import { Role } from "../../../broker/message/mod.ts";
import { PREFIX, readNews } from "../announcements.ts";
import type { Core, Side } from "../core.ts";
import { Relay } from "./relay.ts";
import { relayMethods } from "./methods.ts";
import type { Roots } from "../roots.ts";

export async function openBranch(core: Core): Promise<Side> {
  const { handle, ports, roots, stats, closing } = core;
  const { clock, rank } = ports;
  const instance = ports.random.uuid();
  const relay = new Relay({ handle, roots, clock, rank, instance, signal: closing.signal });
  await handle.listen(PREFIX, (event) => follow(roots, event));
  return {
    committer: relay,
    methods: relayMethods({ handle, relay, stats, clock }),
    pending: () => relay.pending,
    close: () => Promise.resolve(),
  };
}

/** Passes over what is not from the owner of the instance, or tells nothing. */
function follow(roots: Roots, { message, payload }: Event): void {
  const news = message.rolemask & Role.owner ? readNews(message.topic, payload) : undefined;
  if (news?.kind === "setroot") roots.advance(news.root, news.keys);
  else if (news?.kind === "created") roots.created(news.root);
  else if (news?.kind === "removed") roots.removed(news.namespace);
}
