/** What each task of a job reads (services.md §12.3 "input"). Pure. */

import { FluxError, Idset, type Json, type JsonObject } from "../../../broker/message/mod.ts";
import type { JobSpec } from "../protocol.ts";
import { renderPath } from "./template.ts";

export const STDIN = "stdin";
/** A source that has nothing. */
const NOTHING = "/dev/null";

interface Mapping {
  readonly source: string;
  readonly wants: (task: number) => boolean;
}

/** The first line of `input.config` that names a task holds for it; without any config all read standard input. */
export class InputPlan {
  readonly #spec: JobSpec;
  readonly #jobid: number;
  readonly #mappings: readonly Mapping[];

  /** Throws EINVAL for a config that is none. */
  constructor(jobid: number, spec: JobSpec) {
    this.#jobid = jobid;
    this.#spec = spec;
    const config = spec.input?.config;
    this.#mappings = config === undefined ? [{ source: STDIN, wants: () => true }] : readConfig(config);
  }

  /** {@link STDIN}, the path of a file, or undefined for a task that has nothing to read. */
  sourceOf(task: number): string | undefined {
    const source = this.#mappings.find(({ wants }) => wants(task))?.source;
    if (source === undefined || source === NOTHING) return undefined;
    if (source === STDIN) return STDIN;
    const { cmdline, cwd } = this.#spec;
    return renderPath(source, { jobid: this.#jobid, task, command: cmdline[0]! }, cwd);
  }

  /** The tasks that read each source. */
  sources(ntasks: number): Map<string, number[]> {
    const sources = new Map<string, number[]>();
    for (let task = 0; task < ntasks; task++) {
      const source = this.sourceOf(task);
      if (source === undefined) continue;
      const tasks = sources.get(source);
      if (tasks) tasks.push(task);
      else sources.set(source, [task]);
    }
    return sources;
  }
}

function readConfig(config: Json): Mapping[] {
  if (!Array.isArray(config)) throw new FluxError("EINVAL", '"input.config" must be an array');
  return config.map((line) => {
    const { src, dst = "*" } = (line ?? {}) as JsonObject;
    if (typeof src !== "string" || typeof dst !== "string") {
      throw new FluxError("EINVAL", '"input.config" must hold objects with "src" and "dst"');
    }
    return { source: src === "" || src === "-" ? STDIN : src, wants: readTasks(dst) };
  });
}

function readTasks(dst: string): (task: number) => boolean {
  if (dst === "*" || dst === "all") return () => true;
  try {
    const tasks = Idset.parse(dst);
    return (task) => tasks.has(task);
  } catch {
    throw new FluxError("EINVAL", `"${dst}" is no list of tasks`);
  }
}
