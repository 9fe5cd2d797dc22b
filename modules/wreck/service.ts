/**
 * `wreck`: parallel programs (services.md §12). Every rank runs the tasks it has a part in (`wreck.*`); rank 0 also keeps the jobs
 * (`job.*`), writes `lwj.N` and publishes `wreck.state.STATE`.
 */

import { MeetingPlace, type Module } from "../../broker/handle/mod.ts";
import { decodeJson, FluxError, type JsonObject, parseHostlist } from "../../broker/message/mod.ts";
import { heardEvent, jobMethods } from "./job_methods.ts";
import { Manager } from "./manager.ts";
import { openMpi } from "./pmi/open_mpi.ts";
import { Pmi } from "./pmi/pmi.ts";
import { Ranks } from "./ranks.ts";
import { Runner } from "./runner.ts";

const wreck: Module = {
  name: "wreck",
  async start({ handle, ports, args }) {
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
      came: ({ terms: { name } }) => manager?.came(name),
      met({ terms, bodies }) {
        manager?.met(terms.name, bodies.map((body): JsonObject => decodeJson(body)));
        return Promise.resolve({});
      },
    });
    const pmi = new Pmi({ handle, ports, came: (jobid) => manager?.waiting(jobid) });
    const cores = readCores(args);
    const instance = random.uuid();
    const runner = new Runner({
      rank,
      handle,
      ports,
      place,
      cores,
      instance,
      contributors: [pmi.contribute, openMpi(ports)],
    });
    await handle.serve({ ...place.methods, ...pmi.methods, ...runner.methods });
    if (rank === 0) {
      const ranks = new Ranks(() => parseHostlist(ports.attribute("hostlist") ?? ""));
      const kept = manager = new Manager({ handle, ports, place, ranks, pmi });
      await kept.begin();
      await handle.serve({ ...jobMethods(kept), ...kept.io.methods });
      await handle.listen("wreck.", (event) => heardEvent(kept, event));
      await handle.listen("wrexec.run.", (event) => heardEvent(kept, event));
      kept.scheduler.join(0, cores);
      void ranks.follow(handle, (online, fresh) => kept.online(online, fresh));
    } else handle.post("wreck.hello", { rank, cores, instance }, { rank: 0 });
    return {
      async stop() {
        await manager?.stop();
        pmi.stop();
        place.stop();
      },
    };
  },
};
export default wreck;

/** `cores=N`: tasks that jobs in the queue may have on this rank at once; as many as it has processors unless given. */
function readCores(args: readonly string[]): number {
  let cores = navigator.hardwareConcurrency;
  for (const word of args) {
    const [, number] = /^cores=(\d+)$/.exec(word) ?? [];
    if (number === undefined) throw new FluxError("EINVAL", `wreck: unknown argument "${word}": there is cores=N`);
    cores = Number(number);
  }
  return cores;
}
