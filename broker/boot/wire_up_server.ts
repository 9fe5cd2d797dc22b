/** The wire-up as `flux start` serves it: PMI for its members, and a memory of what was said, for when it fails. */

import { PmiServer } from "../pmi/mod.ts";
import type { Member } from "./member.ts";

/** Lines that are kept. */
const KEPT = 50;

export class WireUpServer {
  readonly #pmi: PmiServer;
  readonly #kept: string[] = [];

  constructor(size: number) {
    this.#pmi = new PmiServer({ size, kvsname: "flux", values: { PMI_process_mapping: `(vector,(0,1,${size}))` } });
  }

  /** The last lines that were exchanged: `3 > cmd=…` from rank 3, `3 < cmd=…` to it. */
  get lines(): readonly string[] {
    return this.#kept;
  }

  /** A line of one member; answers it and whoever it lets go on. Returns who has broken it off, with the reason. */
  receive(member: Member, line: string, members: readonly Member[]): { member: Member; reason: string } | undefined {
    this.#keep(`${member.rank} > ${line}`);
    for (const action of this.#pmi.receive(member.rank, line)) {
      const to = members[action.rank]!;
      if (action.kind === "abort") return { member: to, reason: action.text || "it asked for the end of the session" };
      if (action.kind === "close") return { member: to, reason: action.error ?? "it has left the wire-up" };
      this.#keep(`${to.rank} < ${action.line}`);
      if (to.progress === "waiting") to.progress = "joining";
      to.control?.write(action.line);
    }
    if (this.#pmi.waiting.has(member.rank) && member.progress === "connected") member.progress = "waiting";
    return undefined;
  }

  #keep(line: string): void {
    this.#kept.push(line);
    if (this.#kept.length > KEPT) this.#kept.shift();
  }
}
