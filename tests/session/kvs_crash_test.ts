/** What was answered survives whatever happens to the processes of a session with a state directory. */

import { type Handle, open } from "../../broker/handle/mod.ts";
import { isErrno } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assert, assertEquals } from "../assert.ts";
import { type SeededRandom, seededRandom } from "../sim/mod.ts";
import { skip } from "../skip.ts";
import { Chapter } from "./crash_load.ts";
import { crash, type Session, spawnFlux, startSession, until, workDirectory } from "./session.ts";

const CRASHES = Deno.env.get("FLUX_TEST_LONG") ? 200 : 20;
const MOST_RANKS = 4, MOST_WRITERS = 6;
/** From the first answer until the end of a session, at most, ms. */
const LONGEST = 400;
/** A session that never comes up lives at most this long, ms. */
const STARTING = 500;
/** What older sessions wrote is looked at again, then removed. */
const KEPT = 5;
/** So little that collections run all the time, bytes. */
const GARBAGE = 200_000;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test(`flux start --statedir has every answered transaction whole after each of ${CRASHES} crashes`, async () => {
  const random = seededRandom(Number(Deno.env.get("FLUX_TEST_SEED") ?? Math.floor(Math.random() * 1e9)));
  console.log(`FLUX_TEST_SEED=${random.seed}`);
  await using work = await workDirectory();
  const args = [`--statedir=${work.path}/state`, `-o--setattr=kvs.gc-threshold=${GARBAGE}`];
  const chapters: Chapter[] = [];
  let answered = 0;
  for (let round = 0; round <= CRASHES; round++) {
    if (random.below(4) === 0) await crashWhileStarting(args, random);
    await using session = await startSession({ size: 1 + random.below(MOST_RANKS), args });
    using clients = new Clients(session, random);
    await checkAll(new Kvs(await clients.connect()), chapters, random);
    if (round === CRASHES) break;
    const chapter = new Chapter(`round${round}`);
    const writers = Array.from({ length: 1 + random.below(MOST_WRITERS) }, async () => {
      await chapter.write(await clients.connect(), random);
    });
    await until("the first answer", () => chapter.answered > 0 || chapter.failure !== undefined);
    await pause(random.float() * LONGEST);
    chapter.over = true;
    if (random.below(6) === 0) await session.stop();
    else await session.crash();
    await Promise.all(writers);
    chapters.push(chapter);
    answered += chapter.answered;
  }
  console.log(`${answered} transactions were answered`);
});

Deno.test("flux start --statedir refuses commits with the reason while the disk is full, and keeps what it answered", async (t) => {
  if (!await exists("/usr/bin/prlimit")) return skip(t, "prlimit is not there");
  await using work = await workDirectory();
  const args = [`--statedir=${work.path}/state`];
  // A write beyond the limit fails then, instead of ending the process.
  const through = ["sh", "-c", 'trap "" XFSZ; exec "$0" "$@"'];
  let answered: number;
  {
    await using session = await startSession({ size: 2, args, through });
    using clients = new Clients(session);
    const [root, leaf] = [new Kvs(await clients.connect(0)), new Kvs(await clients.connect(1))];
    await limitFiles(session.pid(0), String(await largestIn(`${work.path}/state`) + (256 << 10)));
    answered = await putUntilRefused(root, 0);
    await putUntilRefused(leaf, answered);
    assertEquals(await leaf.get(`full.k${answered - 1}`), filling(answered - 1));
    await limitFiles(session.pid(0), "unlimited");
    await put(leaf, answered);
    answered++;
    await limitFiles(session.pid(0), String(await largestIn(`${work.path}/state`) + (64 << 10)));
    answered = await putUntilRefused(root, answered);
    await session.crash();
  }
  await using session = await startSession({ size: 1, args });
  using clients = new Clients(session);
  const kvs = new Kvs(await clients.connect(0));
  for (let n = 0; n < answered; n++) assertEquals(await kvs.get(`full.k${n}`), filling(n));
  await put(kvs, answered + 1);
});

/** Connections, closed at the end of their block. */
class Clients {
  readonly #session: Session;
  readonly #random: SeededRandom | undefined;
  readonly #handles: Handle[] = [];

  constructor(session: Session, random?: SeededRandom) {
    this.#session = session;
    this.#random = random;
  }

  /** To this rank, or to any. */
  async connect(rank = this.#random?.below(this.#session.size)): Promise<Handle> {
    const handle = await open(this.#session.uri(rank));
    this.#handles.push(handle);
    return handle;
  }

  [Symbol.dispose](): void {
    for (const handle of this.#handles) handle.close();
  }
}

async function checkAll(kvs: Kvs, chapters: Chapter[], random: SeededRandom): Promise<void> {
  await chapters.at(-1)?.check(kvs);
  for (const chapter of chapters) await chapter.checkAgain(kvs);
  if (chapters.length > 1) await chapters[random.below(chapters.length - 1)]!.check(kvs);
  if (chapters.length > KEPT) await chapters.shift()!.remove(kvs);
}

/** Kills a session at some moment before or soon after it has come up: its store is then being opened, or has been. */
async function crashWhileStarting(args: readonly string[], random: SeededRandom): Promise<void> {
  await using directory = await workDirectory();
  const child = spawnFlux(["start", `--size=${1 + random.below(MOST_RANKS)}`, ...args, "cat"], {
    cwd: directory.path,
    env: { FLUX_TMPDIR: directory.path },
    stdin: "piped",
  });
  await pause(random.float() * STARTING);
  await crash(child, directory.path);
  await Promise.all([child.stdout.cancel(), child.stderr.cancel(), child.stdin.close().catch(() => {})]);
}

/** 4 KiB that differ from number to number. */
function filling(n: number): string {
  return `${n}`.padStart(4096, "x");
}

async function put(kvs: Kvs, n: number): Promise<void> {
  await kvs.transaction().put(`full.k${n}`, filling(n)).commit();
}

/** Puts values from `n` on until one is refused; the number of that one. */
async function putUntilRefused(kvs: Kvs, n: number): Promise<number> {
  for (;; n++) {
    try {
      await put(kvs, n);
    } catch (error) {
      assert(isErrno(error, "ENOSPC") || isErrno(error, "EIO"), `refused with ${error}`);
      assert(error instanceof Error && /\w+ \w+/.test(error.message), `refused without a reason: ${error}`);
      return n;
    }
    assert(n < 10_000, "nothing was refused");
  }
}

/** Lets a process write files of up to this size only: what it writes beyond fails. */
async function limitFiles(pid: number, bytes: string): Promise<void> {
  const { code, stderr } = await new Deno.Command("prlimit", { args: [`--pid=${pid}`, `--fsize=${bytes}:`] }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
}

async function largestIn(directory: string): Promise<number> {
  const sizes: number[] = [];
  for await (const { name } of Deno.readDir(directory)) sizes.push((await Deno.stat(`${directory}/${name}`)).size);
  return Math.max(...sizes);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
