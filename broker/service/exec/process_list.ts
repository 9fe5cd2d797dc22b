/** The processes of one broker, by pid, by label and by the request that each was started with. */

import { FluxError } from "../../message/mod.ts";
import type { Process } from "./process.ts";

/** Processes that have ended and that nobody has waited for; beyond this the oldest are forgotten. */
const ENDED = 1024;
/** The pid that stands for "the one of this label". */
export const ANY_PID = -1;

export class ProcessList {
  readonly #all = new Set<Process>();
  readonly #byRequest = new Map<string, Process>();

  get all(): Process[] {
    return [...this.#all];
  }

  /** Throws EEXIST when its label is taken. */
  add(process: Process): void {
    const { command: { label }, client } = process;
    if (label !== "" && this.all.some((other) => other.command.label === label)) {
      throw new FluxError("EEXIST", `a process with label ${label} exists already`);
    }
    this.#all.add(process);
    if (client) this.#byRequest.set(requestKey(client.sender, client.matchtag), process);
  }

  /** Nothing is expected of it any more; one that is to be waited for stays in the list. */
  over(process: Process): void {
    const { client } = process;
    if (client) this.#byRequest.delete(requestKey(client.sender, client.matchtag));
    if (!process.waitable || process.status === undefined) return this.remove(process);
    const ended = this.all.filter(({ state }) => state === "Z");
    if (ended.length > ENDED) this.remove(ended[0]!);
  }

  remove(process: Process): void {
    this.#all.delete(process);
  }

  ofRequest(sender: string, matchtag: number): Process | undefined {
    return this.#byRequest.get(requestKey(sender, matchtag));
  }

  /** By pid, or by label where the pid is {@link ANY_PID}. Throws ESRCH. */
  find(pid: number, label = ""): Process {
    if (pid === ANY_PID && label !== "") {
      const found = this.all.find((process) => process.command.label === label);
      if (found) return found;
      throw new FluxError("ESRCH", `label ${label} does not belong to any subprocess`);
    }
    const found = this.all.find((process) => process.pid === pid && pid > 0);
    if (found) return found;
    throw new FluxError("ESRCH", `pid ${pid} does not belong to any subprocess`);
  }
}

function requestKey(sender: string, matchtag: number): string {
  return `${sender} ${matchtag}`;
}
