/** One who is attached to a job, at rank 0: gets its output as far as he has credit, over the stream of his request. */

import type { Request } from "../../../broker/handle/mod.ts";
import { encodeJson } from "../../../broker/message/mod.ts";
import type { InputNews, OutputNews, RecordedNews, Watch } from "./protocol.ts";

export class Watcher {
  readonly request: Request;
  /** He wants to give the job its standard input. */
  readonly wantsInput: boolean;
  #credit: number;

  constructor(request: Request, { credit, input = false }: Watch) {
    this.request = request;
    this.#credit = credit;
    this.wantsInput = input;
  }

  get id(): string {
    return watcherId(this.request.sender, this.request.matchtag);
  }

  /** Has room, or has been sent less than this too much. */
  hasRoomBut(overdraft: number): boolean {
    return this.#credit > -overdraft;
  }

  grant(credit: number): void {
    this.#credit += credit;
  }

  /** `size`: characters of data in it. */
  tell(news: OutputNews | RecordedNews | InputNews | Uint8Array, size: number): void {
    this.#credit -= size;
    this.request.respond(news instanceof Uint8Array ? news : encodeJson(news));
  }
}

export function watcherId(sender: string, matchtag: number): string {
  return `${sender} ${matchtag}`;
}
