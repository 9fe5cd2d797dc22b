/**
 * How the subtree of one broker is doing (wire.md §3.9): the status of each child as it reports it itself, and what
 * follows for the whole. Pure.
 *
 * A child that belongs here by the topology is offline until it joins. One that moves to another parent is no longer this
 * broker's business; one whose link is lost is remembered as lost until it is back.
 */

export const STATUSES = ["unknown", "full", "partial", "degraded", "lost", "offline"] as const;
export type Status = (typeof STATUSES)[number];

/** The number a status has on the wire. */
export function statusNumber(status: Status): number {
  return STATUSES.indexOf(status);
}

export interface ChildHealth {
  readonly rank: number;
  readonly status: Status;
  /** Milliseconds of the clock when it got that status. */
  readonly since: number;
  /** Why it is lost. */
  readonly error?: string;
  /** It is there, and late with its heartbeats. */
  readonly torpid?: boolean;
}

/** A change of a child, as the tree tells it. */
export interface ChildReport {
  readonly rank: number;
  readonly change: "joined" | "left" | "moved" | "lost" | "ranks" | "status";
  /** The number it reported last; 0 before. */
  readonly status: number;
  readonly reason: string;
}

export class Health {
  readonly #now: () => number;
  readonly #children = new Map<number, ChildHealth>();
  readonly #watchers = new Set<(changed: ChildHealth) => void>();
  #status: Status;
  #since: number;

  /** `home` are the children this broker has by the topology; `now` is in milliseconds. */
  constructor(home: readonly number[], now: () => number) {
    this.#now = now;
    this.#since = now();
    for (const rank of home) this.#children.set(rank, { rank, status: "offline", since: this.#since });
    this.#status = this.#overall();
  }

  /** The status of the whole subtree. */
  get status(): Status {
    return this.#status;
  }

  /** Since when, in milliseconds of the clock. */
  get since(): number {
    return this.#since;
  }

  /** In the order of their ranks. */
  get children(): ChildHealth[] {
    return [...this.#children.values()].sort((a, b) => a.rank - b.rank);
  }

  /** Marks a child as late with its heartbeats, or not any more. */
  setTorpid(rank: number, torpid: boolean): void {
    const child = this.#children.get(rank);
    if (!child || (child.torpid ?? false) === torpid) return;
    const marked = { ...child, torpid };
    this.#children.set(rank, marked);
    for (const watcher of [...this.#watchers]) watcher(marked);
  }

  /** Takes in a change. Watchers hear of it once the whole is up to date, if it changed a status. */
  report({ rank, change, status, reason }: ChildReport): void {
    if (change === "ranks") return;
    const next = change === "left" || change === "moved"
      ? "offline"
      : change === "lost"
      ? "lost"
      : STATUSES[status] ?? "unknown";
    if (this.#children.get(rank)?.status === next && change !== "moved") return;
    const child = { rank, status: next, since: this.#now(), ...(change === "lost" && { error: reason }) };
    if (change === "moved") this.#children.delete(rank);
    else this.#children.set(rank, child);
    const overall = this.#overall();
    if (overall !== this.#status) {
      this.#status = overall;
      this.#since = this.#now();
    }
    for (const watcher of [...this.#watchers]) watcher(child);
  }

  /** Calls `watcher` with each child whose status changed, until disposed. */
  watch(watcher: (changed: ChildHealth) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** As `overlay.health` answers, with durations in seconds by `seconds`. */
  describe(rank: number, seconds: (value: number) => number) {
    const duration = (since: number) => seconds((this.#now() - since) / 1000);
    const children = this.children.map(({ rank, status, since, error }) => ({
      rank,
      status,
      duration: duration(since),
      ...(error !== undefined && { error }),
    }));
    return { rank, status: this.#status, duration: duration(this.#since), children };
  }

  #overall(): Status {
    const statuses = new Set([...this.#children.values()].map(({ status }) => status));
    if (statuses.has("lost") || statuses.has("degraded")) return "degraded";
    statuses.delete("full");
    return statuses.size === 0 ? "full" : "partial";
  }
}
