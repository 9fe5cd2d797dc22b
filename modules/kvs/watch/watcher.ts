/**
 * One watch of one client. It is answered in the order of the roots, and never twice for one. While its client does not take
 * what was sent, nothing more is sent; it is owed then what there is when the client is ready again.
 */

import type { Request } from "../../../broker/handle/mod.ts";
import { encodeText, FluxError } from "../../../broker/message/mod.ts";
import { type TreeObject, val } from "../tree/treeobj.ts";
import type { Laggard, Laggards } from "./laggards.ts";
import type { WatchMode } from "./mode.ts";

/** What a key had at some root, as it is answered to all who watch it. */
export class Answer {
  readonly payload: Uint8Array;
  /** Equal where values are, however they were stored. */
  readonly mark: string;

  constructor(value: TreeObject) {
    const text = JSON.stringify({ val: value });
    this.payload = encodeText(text);
    this.mark = value.type === "val" ? value.data : text;
  }
}

/**
 * Why a root was looked at: `owed` to someone; the key was `written`; or a change was told of that did not say what
 * it wrote, so that it counts if the value differs.
 */
export type Cause = "owed" | "uncertain" | "written";

/** A part of a growing value. */
export interface Piece {
  readonly length: number;
  readonly payload: Uint8Array;
}

/** A growing value at some root. */
export interface Growing {
  readonly length: number;
  /** The bytes from a place on, some of them at least; none at the end. */
  read(from: number): Promise<Piece>;
}

export function piece(bytes: Uint8Array): Piece {
  return { length: bytes.length, payload: new Answer(val(bytes)).payload };
}

export class Watcher implements Laggard {
  readonly request: Request;
  readonly mode: WatchMode;
  readonly #laggards: Laggards;
  readonly #again: () => void;
  readonly #done = Promise.withResolvers<void>();
  /** The number of the last root that it was answered for or, while it is owed an answer, of the first that will do. */
  #rootseq: number;
  #isOwed = true;
  /** The mark of the last answer. */
  #last: string | undefined;
  /** Bytes of a growing value that were sent; undefined before the first answer. */
  #sent: number | undefined;
  #sentinelIsDue: boolean;

  /** `rootseq`: where the watch begins. `again` is called when the client is ready for what it is owed. */
  constructor(request: Request, mode: WatchMode, rootseq: number, laggards: Laggards, again: () => void) {
    this.request = request;
    this.mode = mode;
    this.#rootseq = rootseq;
    this.#laggards = laggards;
    this.#again = again;
    this.#sentinelIsDue = mode.sentinel;
  }

  get sender(): string {
    return this.request.sender;
  }

  /** Resolves when it is over. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Whether intermediate roots may be left out. */
  get maySkip(): boolean {
    return this.mode.differs || this.mode.appends;
  }

  /** It has begun to follow a growing value. */
  get hasBegun(): boolean {
    return this.#sent !== undefined;
  }

  /** Whether what was found at a root is for it. */
  wants(rootseq: number, cause: Cause): boolean {
    return this.#isOwed ? rootseq >= this.#rootseq : cause !== "owed" && rootseq > this.#rootseq;
  }

  /** What the key has at a root that it {@link wants}. */
  take({ payload, mark }: Answer, rootseq: number, cause: Cause): void {
    const wasOwed = this.#isOwed;
    if (this.#defer(rootseq)) return;
    const mustDiffer = this.mode.differs || (cause === "uncertain" && !wasOwed);
    if (mustDiffer && this.#last === mark) return;
    this.#last = mark;
    this.request.respond(payload);
  }

  /** The same of a growing value. Resolves when everything is sent, or the client is behind. */
  async follow(value: Growing, rootseq: number): Promise<void> {
    while (!this.hasBegun || this.#sent! < value.length) {
      if (this.#defer(rootseq)) return;
      const { length, payload } = await value.read(this.#sent ?? 0);
      if (this.request.done) return;
      this.#sent = (this.#sent ?? 0) + length;
      this.request.respond(payload);
      if (this.#sentinelIsDue && this.#sent >= value.length) {
        this.#sentinelIsDue = false;
        this.request.respond();
      }
    }
    this.#settle(rootseq);
  }

  /** The key is missing at a root that it {@link wants}. */
  miss(rootseq: number): void {
    if (!this.mode.waits) return this.fail(new FluxError("ENOENT"));
    if (this.hasBegun) {
      return this.fail(new FluxError("EINVAL", "the value was removed, which cannot be told as an append"));
    }
    this.#settle(rootseq);
  }

  fail(error: unknown): void {
    this.request.fail(error);
    this.stop();
  }

  /** The request was ended, or is abandoned. */
  stop(): void {
    this.#laggards.remove(this);
    this.#done.resolve();
  }

  resume(): void {
    this.#again();
  }

  /** True when nothing may be sent now; it is owed then. */
  #defer(rootseq: number): boolean {
    this.#settle(rootseq);
    if (!this.#laggards.isBehind(this.sender)) return false;
    this.#isOwed = true;
    this.#laggards.add(this);
    return true;
  }

  #settle(rootseq: number): void {
    this.#rootseq = rootseq;
    this.#isOwed = false;
  }
}
