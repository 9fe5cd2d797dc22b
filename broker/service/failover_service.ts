/** What the guard of a broker asks of it: how its links are, to end one, to join an ancestor, to end. For its own modules. */

import { type Card, Idset } from "../message/mod.ts";
import { booleanField, integerField, type Methods, optionalString, type Request, stringField } from "../handle/mod.ts";
import { requireLocal } from "./local_only.ts";
import type { Links } from "./guard.ts";
import type { BrokerParts } from "./native.ts";

/**
 * `overlay.links` → `Links` and `"home":{"rank":i,"uri":s}|null`; `overlay.failover {"rank":i,"patience":i}`;
 * `overlay.sever {"rank":i,"reason":s}` ends the link of a child as lost; `overlay.adrift {"reason":s?}` takes in no orphans;
 * `overlay.torpid {"rank":i,"torpid":b}` marks a child, `overlay.torpid-ranks
 * {"ranks":idset}` at rank 0 names all of them; `overlay.give-up {"reason":s}` ends the broker with status 1.
 */
export function failoverService(broker: BrokerParts): Methods {
  const { health, reparent, tree } = broker;
  const local = (handler: (request: Request) => object | void | Promise<void>) => (request: Request) => {
    requireLocal(request);
    return handler(request);
  };
  return {
    "overlay.links": local(() => ({ ...linksOf(broker), home: place(reparent.home) })),
    "overlay.failover": local(({ payload }) =>
      reparent.failover(integerField(payload, "rank"), integerField(payload, "patience"))
    ),
    "overlay.sever": local(({ payload }) => {
      tree.disconnect(integerField(payload, "rank"), stringField(payload, "reason"));
    }),
    "overlay.adrift": local(({ payload }) => {
      broker.adrift = optionalString(payload, "reason");
    }),
    "overlay.torpid": local(({ payload }) => {
      health.setTorpid(integerField(payload, "rank"), booleanField(payload, "torpid"));
    }),
    "overlay.torpid-ranks": local(({ payload }) => {
      broker.groups.setTorpid(Idset.parse(stringField(payload, "ranks")));
    }),
    "overlay.give-up": local(({ payload }) => {
      const reason = stringField(payload, "reason");
      broker.log("crit", reason, "overlay");
      void broker.shutdown(1, reason);
    }),
  };
}

/** How the links of a broker are. */
export function linksOf({ events, kin, tree }: Pick<BrokerParts, "events" | "kin" | "tree">): Links {
  const { parent } = tree;
  return {
    parent: parent ? { rank: parent.rank, seen: Math.max(tree.contact.seen, events.parentSeen) } : null,
    children: tree.children.map(({ rank, lastSeen }) => ({ rank, seen: lastSeen })),
    ancestors: kin.ancestors.map((card) => ({ rank: card.rank, uri: card.tbon })),
  };
}

function place(card: Card | undefined): { rank: number; uri: string } | null {
  return card ? { rank: card.rank, uri: card.tbon } : null;
}
