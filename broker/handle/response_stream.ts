/** What a streaming request is answered with. */

import { Queue } from "./queue.ts";

/** The responses to a streaming request, as they come. */
export class ResponseStream extends Queue<Uint8Array | undefined> {
  /** The request's own: for services where later requests refer to it. */
  readonly matchtag: number;
  constructor(matchtag: number, onReturn: () => void) {
    super(onReturn);
    this.matchtag = matchtag;
  }
}
