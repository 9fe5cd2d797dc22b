/** `overlay.ring`: a debugging request that goes around the ring instead of over the tree (rulings, "rank-addressed requests"). */

import { encodeJson, Role } from "../message/mod.ts";
import { Handle, integerField, type Methods, objectField, stringField } from "../handle/mod.ts";
import { endpointChannel } from "../router/mod.ts";
import type { BrokerParts } from "./native.ts";

/**
 * `overlay.ring {"rank":i,"topic":s,"payload":o?}` answers as that rank answers, bytes and errors unchanged. A rank that
 * does not exist is EHOSTUNREACH, after the request has gone around once.
 */
export function ringService(broker: BrokerParts): Methods {
  const handle = ringHandle(broker);
  return {
    "overlay.ring": async ({ payload, signal }) => {
      const [rank, topic] = [integerField(payload, "rank"), stringField(payload, "topic")];
      const body = payload.payload === undefined ? undefined : encodeJson(objectField(payload, "payload"));
      return await handle.rpcRaw(topic, body, { rank, signal });
    },
  };
}

/** A handle whose requests go around the ring; answers come back the way they went. */
function ringHandle(broker: BrokerParts): Handle {
  const { router, options: { userid, rank }, ports: { clock, random } } = broker;
  const owner = { id: random.uuid(), userid, rolemask: Role.owner };
  const channel = endpointChannel(router, owner);
  return new Handle({
    ...channel,
    send(message) {
      message.userid = owner.userid;
      message.rolemask = owner.rolemask;
      broker.sendByRing(message, owner.id);
    },
  }, { clock, rank });
}
