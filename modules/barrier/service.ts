/**
 * `barrier`: parties wait for each other (services.md §10; rulings "barrier"). `barrier.enter` is answered when `nprocs`
 * have called it with one name; they are counted up the tree, by `barrier.merge` between ranks.
 */

import { integerField, MeetingPlace, type Module, readParty, user } from "../../broker/handle/mod.ts";
import { FluxError } from "../../broker/message/mod.ts";

const barrier: Module = {
  name: "barrier",
  async start({ name, handle, ports }) {
    const { clock, random, rank, size } = ports;
    const place = new MeetingPlace({
      label: "barrier",
      topic: `${name}.merge`,
      handle,
      clock,
      random,
      rank,
      size,
      arity: Number(ports.attribute("tbon-arity")),
    });
    await handle.serve({
      ...place.methods,
      "barrier.enter": user((request) => {
        const count = request.payload.count === undefined ? 1 : integerField(request.payload, "count");
        if (count < 1) throw new FluxError("EINVAL", `"count" must be 1 or more, not ${count}`);
        return place.enter(request, { ...readParty(request, size), count });
      }),
    });
    return { stop: () => place.stop() };
  },
};
export default barrier;
