/** PMI on one rank: what all its jobs share. */

import type { Handle, Meeting, Methods, ModulePorts } from "../../../broker/handle/mod.ts";
import { parseHostlist } from "../../../broker/message/mod.ts";
import type { Contributor } from "../contribution.ts";
import { JobPmi } from "./job_pmi.ts";
import { Rounds } from "./rounds.ts";

export interface PmiOptions {
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "random" | "rank" | "size" | "attribute">;
  /** At rank 0: tasks of this job wait in a barrier for others. */
  came?(jobid: number): void;
}

export class Pmi {
  readonly #ports: PmiOptions["ports"];
  readonly #rounds: Rounds;
  /** As it was read last. */
  #hostlist: { readonly text: string; readonly names: readonly string[] } = { text: "", names: [] };

  constructor({ handle, ports, came }: PmiOptions) {
    const { clock, random, rank, size } = ports;
    this.#ports = ports;
    const arity = Number(ports.attribute("tbon-arity"));
    this.#rounds = new Rounds({ handle, clock, random, rank, size, arity, ...(came && { came }) });
  }

  /** What ranks ask of each other. */
  get methods(): Methods {
    return this.#rounds.methods;
  }

  /** The barrier of a job in which some of its ranks wait now, as rank 0 knows it. */
  barrier(jobid: number): Meeting | undefined {
    return this.#rounds.open(jobid);
  }

  readonly contribute: Contributor = (job, reins) => {
    const level = this.#ports.attribute("instance-level") ?? "0";
    return new JobPmi(job, reins, this.#rounds, this.#hosts(), { "flux.instance-level": level });
  };

  stop(): void {
    this.#rounds.stop();
  }

  /** By rank. */
  #hosts(): readonly string[] {
    const text = this.#ports.attribute("hostlist") ?? "";
    if (text !== this.#hostlist.text) this.#hostlist = { text, names: parseHostlist(text) };
    return this.#hostlist.names;
  }
}
