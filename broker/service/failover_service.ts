/** What the guard of a broker asks of it: how its links are, to end one, to join an ancestor, to end. For its own modules. */

import type { Card } from "../message/mod.ts";
import { booleanField, integerField, type Methods, optionalString, type Request, stringField } from "../handle/mod.ts";
import { requireLocal } from "./local_only.ts";
import type { BrokerParts } from "./native.ts";

/**
 * `overlay.links` → `{"parent":{"rank":i,"seen":r}|null,"children":[{"rank":i,"seen":r}],"home":{"rank":i,"uri":s}|null,"ancestors":[…]}`, with `seen` the
 * milliseconds of the clock when the other end last said anything; `overlay.failover {"rank":i,"patience":i}`;
 * `overlay.sever {"rank":i,"reason":s}` ends the link of a child as lost; `overlay.adrift {"reason":s?}` takes in no orphans;
 * `overlay.torpid {"rank":i,"torpid":b}` marks a child; `overlay.give-up {"reason":s}` ends the broker with status 1.
 */
export function failoverService(broker: BrokerParts): Methods {
  const { events, health, kin, reparent, tree } = broker;
  const local = (handler: (request: Request) => object | void | Promise<void>) => (request: Request) => {
    requireLocal(request);
    return handler(request);
  };
  return {
    "overlay.links": local(() => {
      const { parent } = tree;
      return {
        parent: parent ? { rank: parent.rank, seen: Math.max(tree.contact.seen, events.parentSeen) } : null,
        children: tree.children.map(({ rank, lastSeen }) => ({ rank, seen: lastSeen })),
        home: place(reparent.home),
        ancestors: kin.ancestors.map(place),
      };
    }),
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
    "overlay.give-up": local(({ payload }) => {
      const reason = stringField(payload, "reason");
      broker.log("crit", reason, "overlay");
      void broker.shutdown(1, reason);
    }),
  };
}

function place(card: Card | undefined): { rank: number; uri: string } | null {
  return card ? { rank: card.rank, uri: card.tbon } : null;
}
