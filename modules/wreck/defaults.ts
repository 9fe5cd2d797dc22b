/**
 * What holds for all jobs that do not say otherwise, followed at rank 0 (services.md §12.2): `lwj.environ`, `lwj.walltime-signal`,
 * `lwj.input.config`, and `lwj.output.files.stdout`, `lwj.output.files.stderr` and `lwj.output.labelio`, which hold together.
 */

import { FluxError, isErrno, type Json, type JsonObject } from "../../broker/message/mod.ts";
import type { Kvs } from "../kvs/client.ts";
import { InputPlan } from "./io/input_plan.ts";
import type { JobSpec } from "./protocol.ts";
import { readSpec } from "./spec.ts";

/** The part of a job's request that the value of each key is. */
const PARTS: Readonly<Record<string, (value: Json) => JsonObject>> = {
  "lwj.environ": (environ) => ({ environ }),
  "lwj.walltime-signal": (signal) => ({ "walltime-signal": signal }),
  "lwj.input.config": (config) => ({ input: { config } }),
  "lwj.output.files.stdout": (stdout) => ({ output: { files: { stdout } } }),
  "lwj.output.files.stderr": (stderr) => ({ output: { files: { stderr } } }),
  "lwj.output.labelio": (labelio) => ({ output: { labelio } }),
};

export class Defaults {
  readonly #kvs: Kvs;
  readonly #log: (text: string) => void;
  /** By key: what is there, and can be. */
  readonly #parts = new Map<string, JobSpec>();

  /** `log` hears of values that cannot be. */
  constructor(kvs: Kvs, log: (text: string) => void) {
    this.#kvs = kvs;
    this.#log = log;
  }

  /** Reads them, and follows them until the handle closes; what cannot be is passed over. */
  follow(): void {
    for (const key of Object.keys(PARTS)) void this.#follow(key);
  }

  /** The job with what it does not say itself. */
  applied(spec: JobSpec): JobSpec {
    const signal = spec["walltime-signal"] ?? this.#parts.get("lwj.walltime-signal")?.["walltime-signal"];
    const config = spec.input?.config ?? this.#parts.get("lwj.input.config")?.input?.config;
    const output = spec.output ?? this.#output();
    return {
      ...spec,
      environ: { ...this.#parts.get("lwj.environ")?.environ, ...spec.environ },
      ...(signal !== undefined && { "walltime-signal": signal }),
      ...(config !== undefined && { input: { ...spec.input, config } }),
      ...(output && { output }),
    };
  }

  /** Undefined when no file is named. */
  #output(): JsonObject | undefined {
    const part = (name: string) => this.#parts.get(`lwj.output.${name}`)?.output;
    const files = { ...part("files.stdout")?.files as JsonObject, ...part("files.stderr")?.files as JsonObject };
    return Object.keys(files).length > 0 ? { files, ...part("labelio") } : undefined;
  }

  async #follow(key: string): Promise<void> {
    try {
      for (;;) {
        for await (const _ of this.#kvs.watchBytes(key, { waitcreate: true })) break;
        await this.#watch(key);
      }
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  /** Resolves when the key, or what it is in, is removed. */
  async #watch(key: string): Promise<void> {
    try {
      for await (const bytes of this.#kvs.watchBytes(key, { full: true })) this.#take(key, bytes);
    } catch (error) {
      this.#parts.delete(key);
      if (!isErrno(error, "ENOENT") && !isErrno(error, "ENOTDIR")) throw error;
    }
  }

  #take(key: string, bytes: Uint8Array): void {
    this.#parts.delete(key);
    try {
      const spec = readSpec({ cmdline: ["-"], ...PARTS[key]!(JSON.parse(new TextDecoder().decode(bytes))) });
      new InputPlan(0, spec);
      this.#parts.set(key, spec);
    } catch (error) {
      if (!(error instanceof FluxError || error instanceof SyntaxError)) throw error;
      this.#log(`${key} is not used: ${error.message}`);
    }
  }
}
