/**
 * Who looks after a broker that loses its parent. Without a guard that is the end of it; with one (`live`) it stays, and
 * the guard finds another parent for it or ends it. It is told what happens to the broker's links, in order, and of each
 * beat of the broker's own clock, so that it needs no timer that wakes the process once more.
 */

import { FluxError } from "../message/mod.ts";
import type { Methods } from "../handle/mod.ts";
import type { ChildChange } from "../overlay/mod.ts";
import { requireLocal } from "./local_only.ts";
import { watched } from "./watched.ts";

/** The links of a broker; `seen` is the milliseconds of the clock when the other end last said anything. */
export interface Links {
  readonly parent: { rank: number; seen: number } | null;
  readonly children: { rank: number; seen: number }[];
  /** The parent first. */
  readonly ancestors: { rank: number; uri: string }[];
}

/** What a guard is told; the first is `start`. */
export type GuardNews =
  | { event: "start" }
  /** A heartbeat's time has passed, whether a pulse came or not; `epoch` is the number of the last one. */
  | { event: "tick"; epoch: number; links: Links }
  | { event: "parent"; rank: number; hostname: string }
  | { event: "orphan"; rank: number; reason: string }
  | { event: "child"; rank: number; hostname: string; change: ChildChange; reason: string };

export interface GuardOptions {
  /** The parent, if there is one. */
  parent(): { rank: number; hostname: string } | undefined;
  /** The last guard has gone while there was no parent. */
  abandoned(): void;
}

export class Guard {
  readonly #options: GuardOptions;
  readonly #watchers = new Set<(news: GuardNews) => void>();
  #waiting: { resolve(): void; reject(error: FluxError): void }[] = [];

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get methods(): Methods {
    return {
      "overlay.guard": (request) => {
        requireLocal(request);
        return watched<GuardNews>(request, (push) => this.#watch(push));
      },
    };
  }

  /** Somebody looks after the broker. */
  get isOn(): boolean {
    return this.#watchers.size > 0;
  }

  tell(news: GuardNews): void {
    for (const watcher of [...this.#watchers]) watcher(news);
    if (news.event === "parent") { for (const { resolve } of this.#waiting.splice(0)) resolve(); }
  }

  /** Resolves when a parent is joined next. Throws ECONNRESET when there is none any more and nobody looks for one. */
  async nextParent(): Promise<void> {
    if (!this.isOn) throw new FluxError("ECONNRESET", "lost connection to parent");
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** There will be no other parent. */
  close(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new FluxError("ECONNRESET", "lost connection to parent"));
  }

  #watch(push: (news: GuardNews) => void): Disposable {
    push({ event: "start" });
    const parent = this.#options.parent();
    if (parent) push({ event: "parent", ...parent });
    this.#watchers.add(push);
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(push);
        if (!this.isOn) this.#options.abandoned();
      },
    };
  }
}
