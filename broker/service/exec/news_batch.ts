/**
 * News on their way to a client that takes several at a time: gathered for a moment, so that a short task costs one message
 * on every link between here and there instead of six.
 */

import type { Clock, Timer } from "../../ports/mod.ts";
import type { WireNews } from "./news.ts";

/** How long the first news wait for more, ms: about as long as a program that does little takes. */
const FIRST_WAIT = 20;
/** The same later on. */
const WAIT = 5;
/** Gathered output beyond this leaves at once, characters. */
const LIMIT = 1 << 15;

export class NewsBatch {
  readonly #clock: Clock;
  readonly #send: (news: WireNews | { type: "batch"; news: WireNews[] }) => void;
  #news: WireNews[] = [];
  #size = 0;
  #wait = FIRST_WAIT;
  #timer: Timer | undefined;

  constructor(clock: Clock, send: (news: WireNews | { type: "batch"; news: WireNews[] }) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  add(news: WireNews): void {
    this.#news.push(news);
    if (news.type === "output") this.#size += news.io.data?.length ?? 0;
    if (this.#size >= LIMIT) this.flush();
    else this.#timer ??= this.#clock.after(this.#wait, () => this.flush());
  }

  /** Sends what is gathered now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const [first, ...rest] = this.#news;
    if (!first) return;
    this.#send(rest.length === 0 ? first : { type: "batch", news: this.#news });
    this.#news = [];
    this.#size = 0;
    this.#wait = WAIT;
  }
}
