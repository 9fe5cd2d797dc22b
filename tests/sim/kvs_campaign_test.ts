/** Commits, fences, watches and collections of all ranks at the same time, fifty sessions of them. */

import { Kvs } from "../../modules/kvs/client.ts";
import { assert, assertEquals } from "../assert.ts";
import type { SeededRandom } from "./mod.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const SEEDS = 50;
/** Most sessions are of up to this size; each of so many seeds is large. */
const MOST = 24, EVERY = 25, LARGE = 256;
const MODULES = ["content", "kvs"];

const text = new TextDecoder();

Deno.test(`kvs with everything going on at once loses, doubles and reorders nothing, for ${SEEDS} seeds`, () =>
  forSeeds(SEEDS, async (seed) => {
    const world = await World.begin(seed);
    const { sim, size, rounds } = world;
    const watchers = Array.from({ length: Math.min(size, 12) }, () => world.watch(sim.random.below(size)));
    const moving = world.moves();
    const all = Array.from({ length: size }, async (_, rank) => {
      await world.write(rank, rounds);
      await world.fence(rank);
    });
    await sim.settle(Promise.all([...all, moving]));
    await world.check();
    await sim.until(() => watchers.every(({ log, last }) => log.length >= world.log.length && last === world.last));
    for (const { log } of watchers) assertEquals(log, world.log);
    assertEquals(sim.log.filter(({ level, source }) => level === "err" && MODULES.includes(source)), []);
  }));

interface Watcher {
  /** What was appended, so far. */
  log: string;
  /** The newest value of the counter. */
  last: number;
}

class World {
  readonly sim: SimSession;
  readonly size: number;
  /** Steps of each writer. */
  readonly rounds: number;
  readonly #random: SeededRandom;
  readonly #clients: readonly Kvs[];
  /** Lines that were answered. */
  readonly #lines = new Set<string>();
  /** What the fence gave each rank. */
  readonly #fenced = new Set<string>();
  /** Roots by version, as any rank said. */
  readonly #roots = new Map<number, string>();
  /** The log and the counter at the end. */
  log = "";
  last = 0;

  private constructor(sim: SimSession) {
    this.sim = sim;
    this.size = sim.size;
    this.rounds = sim.size === LARGE ? 2 : 8;
    this.#random = sim.random.fork("world");
    this.#clients = Array.from({ length: sim.size }, (_, rank) => new Kvs(sim.handle(rank)));
  }

  static async begin(seed: number): Promise<World> {
    const chance = seed * 0x9e3779b1 >>> 0;
    const isLarge = seed % EVERY === 0;
    // Every third session collects its garbage all the time.
    const garbage = { "kvs.gc-threshold": isLarge ? "2000000" : "20000" };
    return new World(
      await simSession({
        size: isLarge ? LARGE : 1 + chance % MOST,
        arity: isLarge ? 2 : chance >>> 8 & 3,
        seed,
        modules: MODULES,
        attributes: seed % 3 === 0 ? garbage : {},
        network: { delay: { min: 0.05, max: 1 << (seed % 6) } },
      }),
    );
  }

  /** Follows the log and the counter at a rank until the end of the session. */
  watch(rank: number): Watcher {
    const seen: Watcher = { log: "", last: -1 };
    const kvs = this.#clients[rank]!;
    void (async () => {
      for await (const bytes of kvs.watchBytes("all.log", { append: true, waitcreate: true })) {
        seen.log += text.decode(bytes);
      }
    })();
    void (async () => {
      for await (const bytes of kvs.watchBytes("all.counter", { waitcreate: true })) {
        const value = Number(text.decode(bytes));
        assert(value >= seen.last, `rank ${rank} saw ${seen.last}, then ${value}`);
        seen.last = value;
      }
    })();
    return seen;
  }

  /** Commits of one rank: two keys and a line each. It reads what it wrote, and never goes back to an older version. */
  async write(rank: number, rounds: number): Promise<void> {
    const kvs = this.#clients[rank]!;
    let version = 0;
    for (let n = 0; n < rounds; n++) {
      const line = `${rank}.${n} `;
      const change = kvs.transaction().put(`left.r${rank}`, n).put(`right.r${rank}`, n).append("all.log", line);
      // One writer alone, so that its order is that of the values.
      if (rank === this.size - 1) change.put("all.counter", n);
      const { rootseq, rootref } = await change.commit();
      assert(!this.#lines.has(line));
      this.#lines.add(line);
      this.#root(rootseq, rootref);
      assert(rootseq > version, `rank ${rank}: version ${rootseq} after ${version}`);
      version = rootseq;
      const pair = await Promise.all(["left", "right"].map((side) => kvs.get(`${side}.r${rank}`)));
      assertEquals(pair, [n, n], `rank ${rank} reads what it wrote`);
      const root = await kvs.root();
      assert(root.rootseq >= version, `rank ${rank} knows version ${root.rootseq} only`);
      this.#root(root.rootseq, root.rootref);
      await this.#pause();
    }
  }

  /** All ranks take part; what each brings is there for all of them. */
  async fence(rank: number): Promise<void> {
    const kvs = this.#clients[rank]!;
    const fence = kvs.transaction().put(`fence.r${rank}`, rank).append("fenced", `${rank} `);
    const { rootseq, rootref } = await fence.fence("everyone", this.size);
    this.#fenced.add(`${rootseq} ${rootref}`);
    const other = this.#random.below(this.size);
    assertEquals(await kvs.get(`fence.r${other}`), other, `rank ${rank} after the fence`);
  }

  /** In every other session some ranks get other parents meanwhile. */
  async moves(): Promise<void> {
    if (this.sim.random.seed % 2 === 0 || this.size < 8) return;
    for (let i = 0; i < 4; i++) {
      await this.#pause();
      const rank = 3 + this.#random.below(this.size - 3);
      const uri = `ipc:///sim/tbon-${this.#random.below(3)}`;
      // A move to where it is already is refused.
      await this.sim.handle(0).rpc("cmb.reparent", { uri }, { rank }).catch(() => {});
    }
  }

  /** What is there at the end, at every rank. */
  async check(): Promise<void> {
    const { sim, size, rounds } = this;
    const newest = Math.max(...this.#roots.keys(), ...[...this.#fenced].map((root) => Number(root.split(" ")[0])));
    assertEquals(this.#fenced.size, 1, "all have the same root from the fence");
    await sim.settle(Promise.all(this.#clients.map(async (kvs, rank) => {
      await kvs.waitVersion(newest);
      const [left, right] = await Promise.all(["left", "right"].map((side) => kvs.dir(side)));
      assertEquals([left!.size, right!.size], [size, size], `rank ${rank}`);
      assertEquals([...left!.values()], [...right!.values()], `rank ${rank}`);
    })));
    const kvs = this.#clients[0]!;
    this.log = await sim.settle(kvs.getText("all.log"));
    this.last = await sim.settle(kvs.get<number>("all.counter"));
    const lines = this.log.trim().split(" ");
    assertEquals([lines.length, new Set(lines.map((line) => `${line} `))], [size * rounds, this.#lines]);
    for (let rank = 0; rank < size; rank++) {
      const own = lines.filter((line) => line.startsWith(`${rank}.`));
      assertEquals(own, Array.from({ length: rounds }, (_, n) => `${rank}.${n}`), `the lines of rank ${rank}`);
    }
    const fenced = (await sim.settle(kvs.getText("fenced"))).trim().split(" ").map(Number).sort((a, b) => a - b);
    assertEquals(fenced, Array.from({ length: size }, (_, rank) => rank));
  }

  #root(rootseq: number, rootref: string): void {
    const known = this.#roots.get(rootseq) ?? rootref;
    assertEquals(rootref, known, `version ${rootseq}`);
    this.#roots.set(rootseq, rootref);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.sim.clock.after(this.#random.float() * 20, resolve));
  }
}
