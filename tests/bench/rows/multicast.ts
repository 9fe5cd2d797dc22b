/** One call to every rank: until all have answered, and until their answers have become one on the way. */

import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";
import { serial } from "../timing.ts";

export const multicast: Bench = {
  name: "mrpc.64",
  async *run({ session, large, times }) {
    const client = await (await session({ size: large })).connect();
    const all = await serial(times(100), async () => {
      let count = 0;
      for await (const answer of client.mrpc("broker.ping", { seq: 0 })) count += answer.payload.seq === 0 ? 1 : 0;
      if (count !== large) throw new Error(`${count} of ${large} ranks answered`);
    });
    yield figure(`mrpc.${large}.all`, "ms", all.map((us) => us / 1000));
    const reduced = await serial(times(100), async () => {
      const { ranks } = await client.mrpcReduced("log.stats-get", {}, { reduce: "sum" });
      if (ranks.size !== large) throw new Error(`${ranks.size} of ${large} ranks answered`);
    });
    yield figure(`mrpc.${large}.sum`, "ms", reduced.map((us) => us / 1000));
  },
};
