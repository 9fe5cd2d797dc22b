/** The last of what a task wrote while nobody listened: as much as fits, whole pieces, the newest. Pure. */

/** Bytes kept of each stream. */
const LIMIT = 1 << 16;

interface Piece {
  readonly stream: string;
  /** Undefined for its end. */
  readonly bytes: Uint8Array | undefined;
}

export class KeptOutput {
  #pieces: Piece[] = [];
  readonly #sizes = new Map<string, number>();

  /** In the order they came. */
  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  add(stream: string, bytes: Uint8Array | undefined): void {
    const kept = bytes?.slice(-LIMIT);
    this.#pieces.push({ stream, bytes: kept });
    let size = (this.#sizes.get(stream) ?? 0) + (kept?.length ?? 0);
    while (size > LIMIT) {
      const oldest = this.#pieces.findIndex((piece) => piece.stream === stream);
      size -= this.#pieces.splice(oldest, 1)[0]!.bytes!.length;
    }
    this.#sizes.set(stream, size);
  }
}
