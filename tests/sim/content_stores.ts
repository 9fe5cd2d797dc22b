import { FluxError } from "../../broker/message/mod.ts";
import type { Errno } from "../../broker/message/mod.ts";
import type {
  ContentStore,
  ContentStores,
  ScannedBlob,
  StoreChanges,
  StoredBlob,
  StoreSwept,
} from "../../broker/ports/mod.ts";

interface Kept {
  /** Blobs are in the order of these. */
  readonly id: number;
  blob: Uint8Array;
  epoch: number;
  used: number | null;
}

/** What is on the disk of one directory: it outlives the broker that has it open. */
class Disk {
  readonly blobs = new Map<string, Kept>();
  readonly roots = new Map<string, string>();
  readonly checkpoints: string[] = [];
  epoch = 0;
  nextId = 1;
  writer: string | null = null;
  open = false;
}

/**
 * Disks of simulated machines: like the real ones, but that they fail when they are told to. A store that is opened again
 * has what was answered, whatever became of the broker that wrote it.
 */
export class SimStores implements ContentStores {
  readonly #disks = new Map<string, Disk>();
  /** What every write throws, until it is undefined again. */
  writesFail: Errno | undefined;
  /** What every read throws. */
  readsFail: Errno | undefined;
  /** Commits that were done, in all. */
  commits = 0;

  open(directory: string): Promise<ContentStore> {
    let disk = this.#disks.get(directory);
    if (!disk) this.#disks.set(directory, disk = new Disk());
    if (disk.open) return Promise.reject(new FluxError("EBUSY", `${directory}: in use`));
    disk.open = true;
    return Promise.resolve(new SimStore(directory, disk, this));
  }

  /** Whoever had it open is dead. */
  crash(directory: string): void {
    const disk = this.#disks.get(directory);
    if (disk) disk.open = false;
  }

  /** Blobs in a directory, by the hexadecimal digits of their digests. */
  blobs(directory: string): ReadonlyMap<string, { readonly blob: Uint8Array }> {
    return this.#disks.get(directory)?.blobs ?? new Map();
  }

  /** Changes the bytes of a blob behind everybody's back. */
  damage(directory: string, hex: string): void {
    const kept = this.#disks.get(directory)?.blobs.get(hex);
    if (!kept) throw new Error(`no blob ${hex}`);
    kept.blob = kept.blob.map((byte) => byte ^ 1);
  }
}

class SimStore implements ContentStore {
  readonly path: string;
  readonly #disk: Disk;
  readonly #faults: SimStores;
  readonly #marks = new Set<string>();
  #cursor = "";
  #live = 0;

  constructor(path: string, disk: Disk, faults: SimStores) {
    this.path = path;
    this.#disk = disk;
    this.#faults = faults;
  }

  get epoch(): number {
    return this.#disk.epoch;
  }

  load(digest: Uint8Array): Uint8Array | undefined {
    this.#reads();
    return this.#disk.blobs.get(digest.toHex())?.blob.slice();
  }

  commit({ blobs, roots = {}, used }: StoreChanges): void {
    this.#writes();
    for (const { digest, blob } of blobs) this.#put({ digest, blob }, used);
    for (const [namespace, root] of Object.entries(roots)) {
      if (root === null) this.#disk.roots.delete(namespace);
      else this.#disk.roots.set(namespace, root);
    }
    this.#faults.commits++;
  }

  roots(): Map<string, string> {
    this.#reads();
    return new Map(this.#disk.roots);
  }

  writer(): string | null {
    return this.#disk.writer;
  }

  claim(writer: string): void {
    this.#writes();
    this.#disk.writer = writer;
  }

  touch(digests: readonly Uint8Array[], used: number): void {
    this.#writes();
    for (const digest of digests) {
      const kept = this.#disk.blobs.get(digest.toHex());
      if (kept && kept.used !== null && kept.used < used) kept.used = used;
    }
  }

  begin(): number {
    this.#writes();
    this.#cursor = "";
    this.#live = 0;
    this.#marks.clear();
    return ++this.#disk.epoch;
  }

  mark(digests: readonly Uint8Array[]): void {
    for (const digest of digests) this.#marks.add(digest.toHex());
  }

  sweep(limit: number, spare: number): StoreSwept {
    this.#writes();
    const rest = this.#sorted().filter(([hex]) => hex > this.#cursor);
    const digests: Uint8Array[] = [];
    let bytes = 0;
    let looked = 0;
    for (const [hex, { blob, epoch, used }] of rest) {
      if (digests.length >= limit) break;
      looked++;
      this.#cursor = hex;
      if (epoch < this.epoch && (used ?? -1) < spare && !this.#marks.has(hex)) {
        this.#disk.blobs.delete(hex);
        digests.push(Uint8Array.fromHex(hex));
        bytes += blob.length;
      } else this.#live += blob.length;
    }
    return { digests, bytes, done: looked === rest.length, live: this.#live };
  }

  scan(from: number, bytes: number): { blobs: ScannedBlob[]; next: number | null } {
    this.#reads();
    const blobs: ScannedBlob[] = [];
    let size = 0;
    for (const [hex, { id, blob, used }] of this.#disk.blobs) {
      if (id < from) continue;
      if (size >= bytes) return { blobs, next: id };
      blobs.push({ digest: Uint8Array.fromHex(hex), blob, used });
      size += blob.length;
    }
    return { blobs, next: null };
  }

  checkpoints(): string[] {
    return [...this.#disk.checkpoints].reverse();
  }

  putCheckpoint(value: string): void {
    this.#writes();
    this.#disk.checkpoints.push(value);
    this.#disk.checkpoints.splice(0, this.#disk.checkpoints.length - 5);
  }

  flush(): void {
    this.#writes();
  }

  close(): void {
    this.#disk.open = false;
  }

  #sorted(): [string, Kept][] {
    return [...this.#disk.blobs].sort(([a], [b]) => a < b ? -1 : 1);
  }

  #put({ digest, blob }: StoredBlob, used: number | undefined): void {
    const hex = digest.toHex();
    const known = this.#disk.blobs.get(hex);
    if (known) Object.assign(known, { epoch: this.epoch, ...(used !== undefined && { used }) });
    else {
      this.#disk.blobs.set(hex, { id: this.#disk.nextId++, blob: blob.slice(), epoch: this.epoch, used: used ?? null });
      if (hex <= this.#cursor) this.#live += blob.length;
    }
  }

  #writes(): void {
    const { writesFail } = this.#faults;
    if (writesFail) throw new FluxError(writesFail, `${this.path}: the disk refuses to write`);
  }

  #reads(): void {
    const { readsFail } = this.#faults;
    if (readsFail) throw new FluxError(readsFail, `${this.path}: the disk refuses to read`);
  }
}
