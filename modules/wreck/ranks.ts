/** Which ranks there are to run jobs on, as rank 0 knows them, and on which hosts. */

import type { Handle } from "../../broker/handle/mod.ts";
import { FluxError, Idset } from "../../broker/message/mod.ts";

/** The group of all ranks that are ready to run. */
const ONLINE = "broker.online";

export class Ranks {
  readonly #hosts: () => readonly string[];
  #online: Idset;

  /** `hosts`: their names, by rank. */
  constructor(hosts: () => readonly string[], online: Iterable<number> = [0]) {
    this.#hosts = hosts;
    this.#online = new Idset(online);
  }

  get online(): Idset {
    return this.#online;
  }

  /** Undefined where it is not known. */
  host(rank: number): string | undefined {
    return this.#hosts()[rank];
  }

  /** `rank 3 (node3)`. */
  name(rank: number): string {
    const host = this.host(rank);
    return host === undefined ? `rank ${rank}` : `rank ${rank} (${host})`;
  }

  /** Follows who is online until the handle closes; `changed` hears of all, and of those that are new, or back. */
  async follow(handle: Pick<Handle, "stream">, changed: (online: Idset, fresh: Idset) => void): Promise<void> {
    try {
      for await (const { members } of handle.stream<{ members: string }>("groups.get", { name: ONLINE })) {
        // This rank is, whether the others have been told or not.
        const online = Idset.parse(members).add(0);
        const fresh = online.difference(this.#online);
        this.#online = online;
        changed(online, fresh);
      }
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }
}
