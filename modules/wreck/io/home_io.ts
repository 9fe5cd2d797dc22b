/** Where the output and input of all jobs meet, at rank 0: a {@link Hub} for each, and the methods that lead to it. */

import { type Handle, integerField, type Methods, objectField, type Request } from "../../../broker/handle/mod.ts";
import { FluxError, type Io } from "../../../broker/message/mod.ts";
import type { Clock, Files } from "../../../broker/ports/mod.ts";
import type { Ledger } from "../ledger.ts";
import type { JobSpec, Layout } from "../protocol.ts";
import { Hub } from "./hub.ts";
import { InputPlan } from "./input_plan.ts";
import { type InputNews, readOutput } from "./protocol.ts";
import { Watcher, watcherId } from "./watcher.ts";

export interface HomeIoOptions {
  readonly handle: Handle;
  readonly clock: Clock;
  readonly files: Files;
  readonly ledger: Ledger;
  /** A job cannot go on. */
  failed(jobid: number, reason: string): void;
}

export class HomeIo {
  readonly #options: HomeIoOptions;
  readonly #hubs = new Map<number, Hub>();
  /** Who waits for jobs that were made, and that nobody has run yet. */
  readonly #expecting = new Map<number, Set<Request>>();
  readonly #watchers = new Map<string, { readonly watcher: Watcher; readonly hub: Hub }>();

  constructor(options: HomeIoOptions) {
    this.#options = options;
  }

  get methods(): Methods {
    return {
      "wreck.output": ({ payload, message }) =>
        this.#hub(integerField(payload, "jobid")).take(readOutput(payload), message.payload!),
      "wreck.over": ({ payload }) =>
        this.#hubs.get(integerField(payload, "jobid"))?.rankOver(integerField(payload, "from")),
      "job.grant": ({ payload, sender }) => {
        const found = this.#watchers.get(watcherId(sender, integerField(payload, "matchtag")));
        found?.watcher.grant(integerField(payload, "credit"));
        found?.hub.granted();
      },
      "job.input": ({ payload, sender }) =>
        this.#hub(integerField(payload, "jobid")).give(sender, objectField(payload, "io") as unknown as Io),
    };
  }

  /** Throws EINVAL for input that cannot be. */
  check(spec: JobSpec): void {
    new InputPlan(0, spec);
  }

  /** A job that is not over. Throws EINVAL for input that cannot be. */
  open(jobid: number, spec: JobSpec): void {
    const { failed, ...rest } = this.#options;
    if (this.#hubs.has(jobid)) return;
    this.#hubs.set(jobid, new Hub({ jobid, spec, ...rest, failed: (reason) => failed(jobid, reason) }));
    for (const request of this.#expecting.get(jobid) ?? []) {
      const { input } = this.attach(jobid, request);
      if (input) request.respond({ jobid, input } satisfies InputNews);
    }
    this.#expecting.delete(jobid);
  }

  /** It has its place. Throws when a file it names cannot be opened. */
  begin(jobid: number, layout: Layout): Promise<void> {
    return this.#hub(jobid).begin(layout);
  }

  /** All its tasks have started. */
  started(jobid: number): void {
    this.#hubs.get(jobid)?.started();
  }

  /**
   * Whoever sent `job.run` or `job.follow` with `watch` gets the output of a job over the same stream. Returns what he is told of
   * that: whether he gives its standard input.
   */
  attach(jobid: number, request: Request): { readonly input?: true } {
    const hub = this.#hubs.get(jobid);
    const { payload } = request;
    if (payload.watch === undefined || request.signal.aborted) return {};
    if (!hub) {
      this.#expect(jobid, request);
      return {};
    }
    const watch = objectField(payload, "watch");
    const watcher = new Watcher(request, { credit: integerField(watch, "credit"), input: watch.input === true });
    this.#watchers.set(watcher.id, { watcher, hub });
    request.signal.addEventListener("abort", () => this.#watchers.delete(watcher.id), { once: true });
    return hub.attach(watcher) ? { input: true } : {};
  }

  /** A job is over. Resolves when all of its output can be read. */
  async end(jobid: number): Promise<void> {
    const hub = this.#hubs.get(jobid);
    this.#expecting.delete(jobid);
    if (!hub) return;
    this.#hubs.delete(jobid);
    for (const [id, entry] of this.#watchers) if (entry.hub === hub) this.#watchers.delete(id);
    await hub.end();
  }

  #expect(jobid: number, request: Request): void {
    let waiting = this.#expecting.get(jobid);
    if (!waiting) this.#expecting.set(jobid, waiting = new Set());
    waiting.add(request);
    request.signal.addEventListener("abort", () => {
      waiting.delete(request);
      if (waiting.size === 0) this.#expecting.delete(jobid);
    }, { once: true });
  }

  #hub(jobid: number): Hub {
    const hub = this.#hubs.get(jobid);
    if (!hub) throw new FluxError("ENOENT", `job ${jobid} does not run`);
    return hub;
  }
}
