/** One entry of a broker's list of processes: who asked for it, how to signal it, how it ended. */

import { FluxError } from "../../message/mod.ts";
import type { Command } from "./command.ts";
import { KeptOutput } from "./kept_output.ts";
import type { Input, News } from "./subprocess.ts";

/** The client that a process belongs to. */
export interface Client {
  /** Its route id. */
  readonly sender: string;
  readonly matchtag: number;
  /** It is connected to this broker. */
  readonly isLocal: boolean;
}

/** What a process runs as. */
export interface Run {
  handle(input: Input): void;
  /** Throws ESRCH when it is gone, EPERM, EINVAL. */
  signal(number: number): void;
}

export interface ProcessOptions {
  readonly command: Command;
  /** Undefined for what the broker started by itself. */
  readonly client: Client | undefined;
  /** Outlives its client; what it writes is kept. */
  readonly background: boolean;
  /** Stays in the list until it is waited for. */
  readonly waitable: boolean;
}

export class Process implements ProcessOptions {
  readonly command: Command;
  readonly client: Client | undefined;
  readonly background: boolean;
  readonly waitable: boolean;
  readonly kept = new KeptOutput();
  /** Who hears what happens to it. */
  readonly listeners = new Set<(news: News) => void>();
  /** Somebody waits for its end. */
  awaited = false;
  pid = 0;
  /** The status word of its end, once it has ended. */
  status: number | undefined;
  readonly #ended = Promise.withResolvers<number>();

  /** Set as soon as it is about to run. */
  run: Run | undefined;

  constructor({ command, client, background, waitable }: ProcessOptions) {
    this.command = command;
    this.client = client;
    this.background = background;
    this.waitable = waitable;
    this.#ended.promise.catch(() => {});
  }

  /** Resolves with the status word of its end; rejects with ESRCH when it was killed because nobody wanted it any more. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  get state(): "R" | "Z" {
    return this.status === undefined ? "R" : "Z";
  }

  hear(news: News): void {
    if (news.type === "started") this.pid = news.pid;
    if (news.type === "finished") {
      this.status = news.status;
      this.#ended.resolve(news.status);
    }
    if (news.type === "output" && this.background) this.kept.add(news.stream, news.bytes);
    for (const listener of this.listeners) listener(news);
  }

  /** Its client has gone: it is killed, unless it is in the background. */
  desert(): void {
    if (!this.background) this.run?.handle({ is: "abandon" });
  }

  /** Nothing comes of it any more. */
  over(): void {
    this.#ended.reject(new FluxError("ESRCH", "it was killed, as its client had gone"));
  }

  /** Throws ESRCH when it is gone, EPERM, EINVAL for what is no signal, and for 0: the list says whether a process is there. */
  signal(number: number): void {
    if (number < 1 || number > 64) throw new FluxError("EINVAL", `${number} is no signal`);
    if (!this.run) throw new FluxError("ESRCH");
    this.run.signal(number);
  }
}
