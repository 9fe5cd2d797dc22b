/** The key-value store in a campaign: transactions that are whole and stay, watches that go on. */

import { Kvs } from "../../modules/kvs/client.ts";
import { FluxError } from "../../broker/message/mod.ts";
import { Clients, Life, type Load, Requests, type World } from "./campaign_world.ts";

/** Steps between two commits, and between two lines of what is watched. */
const COMMIT_EVERY = 2, LINE_EVERY = 5;
/** Keys that are written at a time: each has one writer after the other. */
const SLOTS = 64;
/** A commit is sent again for a minute, and the rank reads its own only when it has caught up; ms. */
const COMMIT_TIME = 150_000;

/** A key of two halves. Whether the write after `answered` has taken effect is not known while `sent` is more. */
interface Slot {
  readonly name: string;
  sent: number;
  answered: number;
  busy: boolean;
}

/**
 * Transactions from any rank, each of two halves and a line: once answered it is read on that rank at once, on any other
 * when it knows the version, and nowhere half of it. One whose outcome is unknown, because its rank died, has happened once
 * or not at all.
 */
export function commits(world: World): Load {
  const { session, random, broken, count } = world;
  const clients = new Clients(world), requests = new Requests(world);
  const all: Slot[] = [];
  const free: Slot[] = [];
  let steps = 0;
  const read = async (slot: Slot, rank: number, what: string, atLeast: number) => {
    const halves = await new Kvs(clients.at(rank)).dir(`campaign.${slot.name}`);
    const [left, right] = ["left", "right"].map((side) => valueOf(halves.get(side)));
    if (left !== right) broken.push(`${what}: rank ${rank} reads ${left} and ${right} in ${slot.name}`);
    if (!(left! >= atLeast && left! <= slot.sent)) {
      broken.push(`${what}: rank ${rank} reads ${left} in ${slot.name}; ${atLeast} was answered, ${slot.sent} sent`);
    }
  };
  const write = async (slot: Slot, rank: number) => {
    const n = ++slot.sent, what = `commit ${slot.name}=${n} from rank ${rank}`;
    const kvs = new Kvs(clients.at(rank));
    let version = 0;
    slot.busy = true;
    const failure = await requests.ask(what, rank, async () => {
      const key = `campaign.${slot.name}`;
      const change = kvs.transaction().put(`${key}.left`, n).put(`${key}.right`, n);
      version = (await change.append("campaign-lines", `${slot.name}=${n} `).commit()).rootseq;
      slot.answered = n;
      await read(slot, rank, what, n);
    }, { within: COMMIT_TIME });
    slot.busy = false;
    // What failed may take effect still, and would overtake the next writer: this key is left alone from now on.
    if (failure || slot.answered < n) return;
    free.push(slot);
    const reader = clients.pick();
    await requests.ask(`read ${slot.name}=${n} at rank ${reader}`, reader, async () => {
      await new Kvs(clients.at(reader)).waitVersion(version);
      await read(slot, reader, `after ${what}`, n);
    }, { within: COMMIT_TIME });
  };
  return {
    step() {
      if (steps++ % COMMIT_EVERY !== 0) return;
      let [slot] = free.splice(random.below(free.length || 1), 1);
      if (!slot) {
        if (all.filter(({ busy }) => busy).length >= SLOTS) return;
        all.push(slot = { name: `s${all.length}`, sent: 0, answered: 0, busy: false });
      }
      void write(slot, clients.pick());
    },
    async finish() {
      requests.finish();
      const kvs = new Kvs(clients.at(0));
      await session.settle((async () => {
        const { rootseq } = await kvs.transaction().put("campaign-end", 1).commit();
        const lines = (await kvs.getText("campaign-lines")).trim().split(" ");
        const counts = new Map<string, number>();
        for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
        for (const [line, n] of counts) if (n > 1) broken.push(`${line} was written ${n} times`);
        for (const { name, answered } of all) {
          for (let n = 1; n <= answered; n++) if (!counts.has(`${name}=${n}`)) broken.push(`${name}=${n} is lost`);
        }
        count("lines written", lines.length);
        const ranks = [0, ...Array.from({ length: 8 }, () => clients.pick())];
        await Promise.all(ranks.map(async (rank) => {
          await new Kvs(clients.at(rank)).waitVersion(rootseq);
          for (const slot of all) if (slot.answered > 0) await read(slot, rank, "at the end", slot.answered);
        }));
      })());
      clients.close();
    },
  };
}

function valueOf(entry: { type: string; data: unknown } | undefined): number | undefined {
  return entry?.type === "val" ? Number(atob(String(entry.data))) : undefined;
}

/** Ranks that watch. */
const WATCHERS = 16;

/** Watches from before the first fault to the end: each sees all that was appended, once and in order, whatever its rank's parents do. */
export async function watches(world: World): Promise<Load> {
  const { session, random, broken, count } = world;
  const clients = new Clients(world), requests = new Requests(world);
  const first = session.handle(0), kvs = new Kvs(first);
  await kvs.transaction().putText("campaign-watched", "").commit();
  const watchers = Array.from({ length: Math.min(WATCHERS, session.size) }, () => {
    const rank = random.below(session.size), life = new Life(session, rank);
    const watcher = { life, text: "", end: "" };
    void (async () => {
      try {
        const items = new Kvs(clients.at(rank)).watchBytes("campaign-watched", { append: true, waitcreate: true });
        for await (const bytes of items) watcher.text += new TextDecoder().decode(bytes);
        watcher.end = "ended";
      } catch (error) {
        watcher.end = error instanceof FluxError ? `${error.code}: ${error.message}` : String(error);
      }
      if (life.goesOn && !isOver) broken.push(`the watch at rank ${rank} is over: ${watcher.end}`);
    })();
    return watcher;
  });
  let steps = 0, isOver = false;
  return {
    step() {
      if (steps++ % LINE_EVERY !== 0) return;
      const rank = clients.pick();
      const line = () => new Kvs(clients.at(rank)).transaction().append("campaign-watched", `${steps} `).commit();
      void requests.ask(`line ${steps} from rank ${rank}`, rank, line, { within: COMMIT_TIME });
    },
    async finish() {
      requests.finish();
      const text = await session.settle(kvs.getText("campaign-watched"));
      await session.run(1000);
      for (const { life, text: own } of watchers) {
        if (life.goesOn && own !== text) {
          broken.push(`the watch at rank ${life.rank} has ${own.length} bytes of ${text.length}: …${own.slice(-40)}`);
        }
      }
      isOver = true;
      first.close();
      count("watched", watchers.filter(({ life }) => life.goesOn).length);
      clients.close();
    },
  };
}
