/** What holds for all jobs that do not say otherwise: `lwj.environ` and `lwj.walltime-signal` (services.md §12.2), followed at rank 0. */

import { FluxError } from "../../broker/message/mod.ts";
import type { Kvs } from "../kvs/client.ts";
import type { JobSpec } from "./protocol.ts";
import { readSpec } from "./spec.ts";

export class Defaults {
  readonly #kvs: Kvs;
  #environ: JobSpec["environ"] = {};
  #signal: JobSpec["walltime-signal"];

  constructor(kvs: Kvs) {
    this.#kvs = kvs;
  }

  /** Reads them, and follows them until the handle closes; what cannot be is passed over. */
  follow(): void {
    void this.#watch(
      "lwj.environ",
      (environ) => this.#environ = readSpec({ cmdline: ["-"], environ } as never).environ,
    );
    void this.#watch(
      "lwj.walltime-signal",
      (signal) => this.#signal = readSpec({ cmdline: ["-"], "walltime-signal": signal } as never)["walltime-signal"],
    );
  }

  /** The job with what it does not say itself. */
  applied(spec: JobSpec): JobSpec {
    const signal = spec["walltime-signal"] ?? this.#signal;
    return {
      ...spec,
      environ: { ...this.#environ, ...spec.environ },
      ...(signal !== undefined && { "walltime-signal": signal }),
    };
  }

  async #watch(key: string, take: (value: unknown) => void): Promise<void> {
    try {
      for await (const bytes of this.#kvs.watchBytes(key, { waitcreate: true })) {
        try {
          take(JSON.parse(new TextDecoder().decode(bytes)));
        } catch (error) {
          if (!(error instanceof FluxError || error instanceof SyntaxError)) throw error;
        }
      }
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }
}
