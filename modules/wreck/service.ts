/**
 * `wreck`: parallel programs (services.md §12). Every rank runs the tasks it has a part in (`wreck.*`); rank 0 also keeps the jobs
 * (`job.*`), writes `lwj.N` and publishes `wreck.state.STATE`.
 */

import { MeetingPlace, type Module } from "../../broker/handle/mod.ts";
import { decodeJson, type JsonObject } from "../../broker/message/mod.ts";
import { heardEvent, jobMethods } from "./job_methods.ts";
import { Manager } from "./manager.ts";
import { Pmi } from "./pmi/pmi.ts";
import { Ranks } from "./ranks.ts";
import { Runner } from "./runner.ts";

const wreck: Module = {
  name: "wreck",
  async start({ handle, ports }) {
    const { clock, random, rank, size } = ports;
    let manager: Manager | undefined;
    const place: MeetingPlace = new MeetingPlace({
      label: "job",
      topic: "wreck.fence",
      handle,
      clock,
      random,
      rank,
      size,
      arity: Number(ports.attribute("tbon-arity")),
      met({ terms, bodies }) {
        manager?.met(terms.name, bodies.map((body): JsonObject => decodeJson(body)));
        return Promise.resolve({});
      },
    });
    const pmi = new Pmi({ handle, ports });
    const runner = new Runner({ rank, handle, ports, place, contributors: [pmi.contribute] });
    await handle.serve({ ...place.methods, ...pmi.methods, ...runner.methods });
    if (rank === 0) {
      const ranks = new Ranks(() => ports.attribute("hostlist")?.split(",") ?? []);
      const kept = manager = new Manager({ handle, ports, place, ranks });
      await handle.serve({ ...jobMethods(kept), ...kept.io.methods });
      await handle.listen("wreck.", (event) => heardEvent(kept, event));
      await handle.listen("wrexec.run.", (event) => heardEvent(kept, event));
      void ranks.follow(handle, () => {});
    }
    return {
      stop() {
        runner.stop();
        pmi.stop();
        place.stop();
      },
    };
  },
};
export default wreck;
