/** Fences and barriers of every rank, one after the other: nobody leaves before all have entered, and all see the same. */

import type { Handle } from "../../broker/handle/mod.ts";
import { enterBarrier } from "../../modules/barrier/client.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { type Load, PATIENCE, pick, soon } from "./load.ts";

/** Participants at each rank, at most. */
const MOST = 3;

export const meetingLoads: Readonly<Record<string, Load>> = {
  async fences({ size, random, connect, deadline, done }) {
    const handles = await Promise.all(Array.from({ length: size * MOST }, (_, i) => connect(i % size)));
    for (let n = 0; !deadline.aborted; n++) {
      const all = handles.slice(0, size * (1 + pick(random, MOST)));
      const last = new Straggler(all, pick(random, all.length));
      const party = async (flux: Handle, index: number) => {
        const kvs = new Kvs(flux);
        await last.turn(index);
        const put = kvs.transaction().put(`soak.fence.p${index}`, n);
        const { rootref, rootseq } = await soon(put.fence(`soak-${n}`, all.length), `fence ${n}`);
        last.check(`fence ${n}`);
        const other = pick(random, all.length);
        const got = await soon(kvs.get(`soak.fence.p${other}`), `what ${other} put into fence ${n}`);
        if (got !== n) throw new Error(`fence ${n}: ${index} sees ${got} of ${other}`);
        return `${rootseq} ${rootref}`;
      };
      const roots = new Set(await Promise.all(all.map(party)));
      if (roots.size !== 1) throw new Error(`fence ${n} had ${roots.size} roots: ${[...roots].join(", ")}`);
      done();
    }
  },

  async barriers({ size, random, connect, deadline, done }) {
    const handles = await Promise.all(Array.from({ length: size * MOST }, (_, i) => connect(i % size)));
    for (let n = 0; !deadline.aborted; n++) {
      const all = handles.slice(0, size * (1 + pick(random, MOST)));
      const last = new Straggler(all, pick(random, all.length));
      await Promise.all(all.map(async (flux, index) => {
        await last.turn(index);
        await soon(enterBarrier(flux, `soak-${n}`, all.length), `barrier ${n}`);
        last.check(`barrier ${n}`);
      }));
      done();
    }
  },
};

/** The one party that enters when all others have had time to. */
class Straggler {
  readonly #all: readonly Handle[];
  readonly #index: number;
  #entered = false;

  constructor(all: readonly Handle[], index: number) {
    this.#all = all;
    this.#index = index;
  }

  /** Resolves when it is the turn of the party of this index to enter: at once, but for the straggler. */
  async turn(index: number): Promise<void> {
    if (index !== this.#index) return;
    await Promise.all(this.#all.map((flux) => flux.rpc("broker.ping", {}, { rank: 0, timeout: PATIENCE })));
    this.#entered = true;
  }

  /** Throws when somebody left before the straggler had entered. */
  check(what: string): void {
    if (!this.#entered) throw new Error(`${what} was over before the last of ${this.#all.length} had entered`);
  }
}
