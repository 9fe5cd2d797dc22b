/**
 * Which blobs are to be kept: everything that can be reached from some roots. Pure; the one who drives it loads directories
 * and says what they lead to.
 */

import { EMPTY_DIR } from "../tree/treeobj.ts";

export class Marking {
  /** Directories that were met. Values are not remembered: to mark one twice does no harm. */
  readonly #met = new Set<string>();
  /** Directories met and not looked into yet. */
  readonly #unread: string[] = [];
  /** What is to be marked and was not handed out yet. */
  #marks: string[] = [];

  /** Directories that were met. */
  get size(): number {
    return this.#met.size;
  }

  /** Marks to be handed out. */
  get marks(): number {
    return this.#marks.length;
  }

  /** Nothing is left to look into. */
  get isDone(): boolean {
    return this.#unread.length === 0;
  }

  /** Directories, and values, that are to be kept with all below them. */
  add(directories: Iterable<string>, values: Iterable<string> = []): void {
    for (const blobref of directories) {
      if (this.#met.has(blobref)) continue;
      this.#met.add(blobref);
      this.#marks.push(blobref);
      if (blobref !== EMPTY_DIR) this.#unread.push(blobref);
    }
    for (const blobref of values) this.#marks.push(blobref);
  }

  /** Up to `count` directories to be looked into; their references are to be added. */
  next(count: number): string[] {
    return this.#unread.splice(-count);
  }

  /** What is to be marked since the last call. */
  take(): string[] {
    const marks = this.#marks;
    this.#marks = [];
    return marks;
  }
}
