/**
 * Content in a SQLite file. The log (WAL) is written by each commit, which makes it survive the death of the process;
 * it is copied into the file when it has grown (see {@link CHECKPOINT}).
 *
 * Two tables hold a blob: `refs` is small and is what collections go through, `blobs` has the bytes in the order they came,
 * so that what comes together lies together. Marks of a collection are in memory: it begins anew with another process.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { FluxError } from "../message/mod.ts";
import type { ContentStore, ContentStores, ScannedBlob, StoreChanges, StoreSwept, Sync } from "./content_store.ts";
import { type Lock, lockDirectory } from "./directory_lock.ts";
import { DigestSet } from "./digest_set.ts";
import { explainSqlite } from "./sqlite_error.ts";

const VERSION = 1;
/** "flux", for file(1). */
const APPLICATION = 0x666c7578;
/** Pages of 4 KiB in the log before it is copied into the file. */
const CHECKPOINT = 1000;
/** Checkpoints that are remembered. */
const CHECKPOINTS = 5;
/** Rows of `refs` that a step of a sweep looks at for each that it may delete, and at least. */
const WINDOW = { factor: 8, least: 1024 };
/** Blobs in one piece of a scan. */
const PIECE = 1024;

const SCHEMA = `
  CREATE TABLE refs(hash BLOB PRIMARY KEY, id INTEGER NOT NULL, size INTEGER NOT NULL, epoch INTEGER NOT NULL,
    used INTEGER) WITHOUT ROWID;
  CREATE TABLE blobs(id INTEGER PRIMARY KEY, hash BLOB NOT NULL, blob BLOB);
  CREATE TABLE roots(namespace TEXT PRIMARY KEY, root TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE checkpoints(id INTEGER PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE state(one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, writer TEXT);
  INSERT INTO state VALUES (1, 0, NULL);
  PRAGMA application_id = ${APPLICATION};
  PRAGMA user_version = ${VERSION};
`;

export const sqliteStores: ContentStores = {
  async open(directory, { sync }) {
    const { DatabaseSync } = await import("node:sqlite");
    const lock = lockDirectory(directory);
    const path = `${directory}/content.sqlite`;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      prepare(database, path, sync);
      return new SqliteStore(path, database, lock);
    } catch (error) {
      closeQuietly(database);
      lock.release();
      throw explainSqlite(error, path);
    }
  },
};

function prepare(database: DatabaseSync, path: string, sync: Sync): void {
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync.toUpperCase()};
    PRAGMA wal_autocheckpoint = ${CHECKPOINT}; PRAGMA journal_size_limit = ${16 << 20}; PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096; PRAGMA foreign_keys = OFF;
  `);
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version > VERSION) {
    throw new FluxError("EINVAL", `${path}: written by a newer flux (format ${version}, this one knows ${VERSION})`);
  }
  if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
}

function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // It failed before; what that was is told.
  }
}

interface RefRow {
  hash: Uint8Array;
  id: number;
  size: number;
}

class SqliteStore implements ContentStore {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #lock: Lock;
  readonly #statements = new Map<string, StatementSync>();
  readonly #marks = new DigestSet();
  #epoch: number;
  #nextId: number;
  /** Where the sweep of this epoch has come to, and bytes of what it has left behind; undefined before it. */
  #sweep: { cursor: Uint8Array; live: number } | undefined;

  constructor(path: string, database: DatabaseSync, lock: Lock) {
    this.path = path;
    this.#database = database;
    this.#lock = lock;
    this.#epoch = Number(database.prepare("SELECT epoch FROM state").get()?.epoch);
    this.#nextId = Number(database.prepare("SELECT coalesce(max(id), 0) + 1 AS next FROM blobs").get()?.next);
  }

  get epoch(): number {
    return this.#epoch;
  }

  load(digest: Uint8Array): Uint8Array | undefined {
    const row = this.#guard(() =>
      this.#sql("SELECT size, blob FROM refs LEFT JOIN blobs ON blobs.id = refs.id WHERE refs.hash = ?").get(digest)
    );
    if (!row) return undefined;
    if (row.blob instanceof Uint8Array) return row.blob;
    if (row.size === 0) return new Uint8Array(0);
    throw new FluxError("EIO", `${this.path}: the bytes of sha1-${digest.toHex()} are missing`);
  }

  commit({ blobs, roots = {}, used }: StoreChanges): void {
    const nextId = this.#nextId;
    let behind = 0;
    const add = this.#sql("INSERT INTO refs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    const fill = this.#sql("INSERT INTO blobs VALUES (?, ?, ?)");
    const keep = this.#sql("UPDATE refs SET epoch = ?, used = coalesce(?, used) WHERE hash = ?");
    try {
      this.#transaction(() => {
        for (const { digest, blob } of blobs) {
          const id = this.#nextId;
          if (add.run(digest, id, blob.length, this.#epoch, used ?? null).changes === 0) {
            keep.run(this.#epoch, used ?? null, digest);
            continue;
          }
          fill.run(id, digest, blob);
          this.#nextId++;
          if (this.#sweep && compare(digest, this.#sweep.cursor) <= 0) behind += blob.length;
        }
        for (const [namespace, root] of Object.entries(roots)) this.#setRoot(namespace, root);
      });
    } catch (error) {
      this.#nextId = nextId;
      throw error;
    }
    if (this.#sweep) this.#sweep.live += behind;
  }

  roots(): Map<string, string> {
    const rows = this.#guard(() => this.#sql("SELECT namespace, root FROM roots").all());
    return new Map(rows.map(({ namespace, root }) => [String(namespace), String(root)]));
  }

  writer(): string | null {
    const row = this.#guard(() => this.#sql("SELECT writer FROM state").get());
    return typeof row?.writer === "string" ? row.writer : null;
  }

  claim(writer: string): void {
    this.#guard(() => this.#sql("UPDATE state SET writer = ?").run(writer));
  }

  touch(digests: readonly Uint8Array[], used: number): void {
    const touch = this.#sql("UPDATE refs SET used = ?1 WHERE hash = ?2 AND used < ?1");
    this.#transaction(() => {
      for (const digest of digests) touch.run(used, digest);
    });
  }

  begin(): number {
    this.#guard(() => this.#sql("UPDATE state SET epoch = ?").run(this.#epoch + 1));
    this.#sweep = undefined;
    this.#marks.clear();
    return ++this.#epoch;
  }

  mark(digests: readonly Uint8Array[]): void {
    for (const digest of digests) this.#marks.add(digest);
  }

  sweep(limit: number, spare: number): StoreSwept {
    const { cursor, live } = this.#sweep ?? { cursor: new Uint8Array(0), live: 0 };
    const most = Math.max(1, limit);
    const window = Math.max(WINDOW.least, WINDOW.factor * most);
    let step: StoreSwept & { cursor: Uint8Array } = { digests: [], bytes: 0, done: true, live, cursor };
    this.#transaction(() => {
      const last = this.#sql(
        "SELECT max(hash) AS hash, count(*) AS rows FROM (SELECT hash FROM refs WHERE hash > ? ORDER BY hash LIMIT ?)",
      ).get(cursor, window) as { hash: Uint8Array | null; rows: number };
      if (!last.hash) return;
      const old = this.#sql(
        "SELECT hash, id, size FROM refs WHERE hash > ? AND hash <= ? AND epoch < ? AND coalesce(used, -1) < ? ORDER BY hash",
      ).all(cursor, last.hash, this.#epoch, spare) as unknown as RefRow[];
      const unmarked = old.filter(({ hash }) => !this.#marks.has(hash));
      const rows = unmarked.slice(0, most);
      this.#delete(rows);
      const end = rows.length === unmarked.length ? last.hash : rows.at(-1)!.hash;
      const kept = this.#sql("SELECT coalesce(sum(size), 0) AS bytes FROM refs WHERE hash > ? AND hash <= ?")
        .get(cursor, end) as { bytes: number };
      step = {
        digests: rows.map(({ hash }) => hash),
        bytes: rows.reduce((bytes, { size }) => bytes + size, 0),
        done: last.rows < window && end === last.hash,
        live: live + kept.bytes,
        cursor: end,
      };
    });
    this.#sweep = { cursor: step.cursor, live: step.live };
    return step;
  }

  scan(from: number, bytes: number): { blobs: ScannedBlob[]; next: number | null } {
    return this.#guard(() => {
      // `refs` is looked into all over: it should be in memory.
      if (from === 0) this.#database.exec("PRAGMA cache_size = -65536");
      const rows = this.#sql(
        "SELECT blobs.id, blobs.hash, used, blob FROM blobs CROSS JOIN refs ON refs.hash = blobs.hash AND refs.id = blobs.id " +
          "WHERE blobs.id >= ? ORDER BY blobs.id",
      ).iterate(from) as Iterable<{ id: number; hash: Uint8Array; used: number | null; blob: Uint8Array | null }>;
      const blobs: ScannedBlob[] = [];
      let size = 0;
      for (const { id, hash, used, blob } of rows) {
        if (size >= bytes || blobs.length >= PIECE) return { blobs, next: id };
        const found = blob ?? new Uint8Array(0);
        blobs.push({ digest: hash, blob: found, used });
        size += found.length;
      }
      return { blobs, next: null };
    });
  }

  checkpoints(): string[] {
    const rows = this.#guard(() => this.#sql("SELECT value FROM checkpoints ORDER BY id DESC").all());
    return rows.map(({ value }) => String(value));
  }

  putCheckpoint(value: string): void {
    this.#transaction(() => {
      this.#sql("INSERT INTO checkpoints(value) VALUES (?)").run(value);
      this.#sql(
        `DELETE FROM checkpoints WHERE id NOT IN (SELECT id FROM checkpoints ORDER BY id DESC LIMIT ${CHECKPOINTS})`,
      ).run();
    });
  }

  flush(): void {
    this.#guard(() => this.#sql("PRAGMA wal_checkpoint(FULL)").get());
  }

  close(): void {
    try {
      this.#guard(() => this.#database.close());
    } finally {
      this.#lock.release();
    }
  }

  #setRoot(namespace: string, root: string | null): void {
    if (root === null) this.#sql("DELETE FROM roots WHERE namespace = ?").run(namespace);
    else this.#sql("INSERT OR REPLACE INTO roots VALUES (?, ?)").run(namespace, root);
  }

  #delete(rows: readonly RefRow[]): void {
    const ref = this.#sql("DELETE FROM refs WHERE hash = ?");
    const blob = this.#sql("DELETE FROM blobs WHERE id = ?");
    for (const { hash, id } of rows) {
      ref.run(hash);
      blob.run(id);
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) this.#statements.set(text, statement = this.#database.prepare(text));
    return statement;
  }

  #transaction(work: () => void): void {
    this.#guard(() => {
      this.#sql("BEGIN IMMEDIATE").run();
      try {
        work();
        this.#sql("COMMIT").run();
      } catch (error) {
        this.#rollback();
        throw error;
      }
    });
  }

  /** SQLite has rolled back by itself after some errors. */
  #rollback(): void {
    if (this.#database.isTransaction) this.#sql("ROLLBACK").run();
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explainSqlite(error, this.path);
    }
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
