/** The last step before `run`: rank 0 waits for every rank, the others go where their parent goes. */

import { FluxError, NODEID_UPSTREAM } from "../message/mod.ts";
import { every } from "../ports/mod.ts";
import { ONLINE } from "./groups_service.ts";
import type { BrokerParts } from "./native.ts";
import { stateNumber } from "./state_machine.ts";

/** How often rank 0 says who is there already, ms. */
const REPORT = 1000;

/** Resolves when as many ranks are in `broker.online` as `broker.quorum` says. Throws EINVAL when that is no number of ranks, ECANCELED when the broker is shut down before. */
export async function everyoneOnline(broker: BrokerParts): Promise<void> {
  const { groups, machine, options: { size }, ports: { clock } } = broker;
  const quorum = Number(broker.attributes.get("broker.quorum"));
  if (!Number.isInteger(quorum) || quorum < 1 || quorum > size) {
    throw new FluxError("EINVAL", `broker.quorum is ${broker.attributes.get("broker.quorum")}, of ${size} ranks`);
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const online = () => groups.members(ONLINE);
  const check = () => {
    if (online().size >= quorum) resolve();
  };
  using _watch = groups.watch(ONLINE, check);
  using _end = machine.watch(() => reject(new FluxError("ECANCELED", "shut down before all ranks were there")));
  const report = every(clock, REPORT, () => broker.log("err", `nodeset: ${online().toNodeset()} (incomplete)`));
  check();
  try {
    await promise;
  } finally {
    report.cancel();
  }
  const isComplete = online().size === size;
  broker.log("info", `nodeset: ${online().toNodeset()} (${isComplete ? "complete" : `quorum of ${quorum}`})`);
}

/**
 * Follows the parent's states for as long as there is one: to `run`, when this resolves, and later to the end, which
 * shuts this broker down. Throws what ends the parent before it runs.
 */
export function followParent(broker: BrokerParts): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const follow = async (): Promise<void> => {
    const final = { final: stateNumber("shutdown") };
    const states = broker.handle.stream<{ state: number }>("state-machine.monitor", final, { rank: NODEID_UPSTREAM });
    const { joins } = broker.tree.contact;
    try {
      for await (const { state } of states) {
        if (state >= stateNumber("run")) resolve();
        if (state >= stateNumber("cleanup")) void broker.shutdown(0, "parent is shutting down");
      }
    } catch (error) {
      // The stream ended with the link to a former parent: the next one is followed like the first.
      if (!(error instanceof FluxError)) throw error;
      if (broker.tree.contact.joins === joins) await broker.guard.nextParent();
      await follow();
    }
  };
  follow().then(() => reject(new FluxError("ECONNRESET", "the parent ended before it ran")), reject);
  return promise;
}
