/** Everything from memory into a backing store, and back, in bounded steps with a pause after each. */

import type { Hash } from "../../broker/message/mod.ts";
import type { Backing, Piece } from "./backing.ts";
import type { Hoard, Hoarded } from "./hoard.ts";

/** Bytes of blobs, and blobs, in one step. */
const STEP = { bytes: 1 << 20, blobs: 1024 };
/** By the first byte of a digest, which is behind these characters of a blobref. */
const PARTS = 256;
const PREFIX = "sha1-".length;

/** Lets others have a turn. */
export type Pause = () => Promise<void>;

/** Stores these blobs, about in the order of their digests, which a store takes fastest. */
export async function copyTo(backing: Backing, blobs: readonly Hoarded[], pause: Pause): Promise<void> {
  for (const part of parts(blobs)) {
    const kept = part.filter(({ used }) => used === undefined);
    const clients = part.filter(({ used }) => used !== undefined);
    for (const step of steps(kept)) {
      await backing.commit({ ...columns(step), roots: {} });
      await pause();
    }
    for (const step of steps(clients)) {
      const used = Math.max(...step.map(({ used }) => used!));
      await backing.commit({ ...columns(step), roots: {}, used });
      await pause();
    }
  }
}

/** Puts all blobs of a store into memory. One that is damaged is left out and `damaged` hears of it. */
export async function copyFrom(
  backing: Backing,
  hoard: Hoard,
  hash: Hash,
  damaged: (blobref: string) => void,
  pause: Pause,
): Promise<void> {
  for (let from: number | null = 0; from !== null;) {
    const piece: Piece = await backing.scan(from, STEP.bytes);
    piece.refs.forEach((blobref, i) => {
      const blob = piece.blobs[i]!;
      if (hash(blob) === blobref) hoard.put(blobref, blob, piece.used[i] ?? undefined);
      else damaged(blobref);
    });
    from = piece.next;
    await pause();
  }
}

/** Blobs sorted by their digests, in {@link PARTS} pieces; sorting all at once would take long. */
function* parts(blobs: readonly Hoarded[]): Generator<Hoarded[]> {
  if (blobs.length < STEP.blobs) return yield sorted([...blobs]);
  const parts = Array.from({ length: PARTS }, (): Hoarded[] => []);
  for (const blob of blobs) parts[parseInt(blob.blobref.slice(PREFIX, PREFIX + 2), 16)]!.push(blob);
  for (const part of parts) yield sorted(part);
}

function sorted(blobs: Hoarded[]): Hoarded[] {
  return blobs.sort((a, b) => a.blobref < b.blobref ? -1 : 1);
}

function columns(blobs: readonly Hoarded[]): { refs: string[]; blobs: Uint8Array[] } {
  return { refs: blobs.map(({ blobref }) => blobref), blobs: blobs.map(({ blob }) => blob) };
}

function* steps(blobs: readonly Hoarded[]): Generator<Hoarded[]> {
  let step: Hoarded[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (step.length > 0 && (bytes + blob.blob.length > STEP.bytes || step.length >= STEP.blobs)) {
      yield step;
      step = [];
      bytes = 0;
    }
    step.push(blob);
    bytes += blob.blob.length;
  }
  if (step.length > 0) yield step;
}
