/** The traffic of a campaign that needs no store: requests to ranks, streams, tasks, lines of the log. */

import { decodeIo, decodeJson, encodeJson, ioBytes, type JsonObject } from "../../broker/message/mod.ts";
import { living } from "./live.ts";
import { Clients, type Load, Requests, type World } from "./campaign_world.ts";

/** Steps between two streams, and between two tasks. */
const EVERY = 5;

/** Pings from any rank to any rank: whoever answers must be the one that was asked. */
export function pings(world: World): Load {
  const clients = new Clients(world), requests = new Requests(world);
  let seq = 0;
  return {
    step() {
      const from = clients.pick(), to = world.random.below(world.session.size), mine = seq++;
      void requests.ask(`ping ${mine} from rank ${from} to rank ${to}`, from, async () => {
        const { rank, seq } = await clients.at(from).rpc<JsonObject>("broker.ping", { seq: mine }, { rank: to });
        if (rank !== to || seq !== mine) world.broken.push(`ping ${mine} to rank ${to} was answered by rank ${rank}`);
      });
    },
    finish() {
      requests.finish();
      clients.close();
      return Promise.resolve();
    },
  };
}

/** Requests to rank 0, from anywhere. */
export function upstream(world: World): Load {
  const clients = new Clients(world), requests = new Requests(world);
  let seq = 0;
  return {
    step() {
      const from = clients.pick();
      const ask = () => clients.at(from).rpc("attr.get", { name: "size" }, { rank: 0 });
      void requests.ask(`upstream ${seq++} from rank ${from}`, from, ask);
    },
    finish() {
      requests.finish();
      clients.close();
      return Promise.resolve();
    },
  };
}

/** Streams between two ranks: each goes on until one of the two dies or moves, or who reads it leaves. */
export function streams(world: World): Load {
  const clients = new Clients(world), requests = new Requests(world);
  let steps = 0;
  return {
    step() {
      if (steps++ % EVERY !== 0) return;
      const from = clients.pick(), to = clients.pick();
      const read = async () => {
        const items = clients.at(from).stream<{ state: number }>("state-machine.monitor", {}, { rank: to });
        for await (const { state } of items) if (state !== 5) return;
      };
      void requests.ask(`stream ${steps} from rank ${from} to rank ${to}`, from, read, { within: Infinity });
    },
    finish() {
      // A stream may last as long as it likes: what counts is that nothing of it stays when its reader goes.
      clients.close();
      return Promise.resolve();
    },
  };
}

/** Seconds that a longer task takes. */
const TASK = 5;

/** Tasks on other ranks, some short, some that go on for a while: each says what it has to say, once, or is known to be lost. */
export function tasks(world: World): Load {
  const { session, random, broken } = world;
  const clients = new Clients(world), requests = new Requests(world);
  let steps = 0;
  return {
    step() {
      if (steps++ % EVERY !== 0) return;
      const from = clients.pick(), to = clients.pick(), word = `${steps}`;
      const isLong = random.below(2) === 0;
      const cmdline = isLong ? ["sleep", `${TASK}`] : ["echo", word];
      const run = async () => {
        const request = { cmd: { cwd: "/", cmdline, env: {}, opts: {}, channels: [] }, flags: 3 };
        let said = "";
        const news: unknown[] = [];
        for await (const item of clients.at(from).streamRaw("rexec.exec", encodeJson(request), { rank: to })) {
          const one = decodeJson(item);
          news.push(one.type);
          if (one.type !== "output") continue;
          const { stream, data } = decodeIo(one.io);
          if (data !== undefined && stream === "stdout") said += new TextDecoder().decode(ioBytes(data));
        }
        const isWhole = news[0] === "started" && news.filter((type) => type === "finished").length === 1;
        if (!isWhole) broken.push(`task ${word} on rank ${to} told ${news.join(", ")}`);
        if (said !== (isLong ? "" : `${word}\n`)) {
          broken.push(`task ${word} on rank ${to} said ${JSON.stringify(said)}`);
        }
      };
      void requests.ask(`task ${word} from rank ${from} on rank ${to}`, from, run);
    },
    async finish() {
      requests.finish();
      clients.close();
      await session.run(TASK * 1000);
      for (const rank of living(session)) {
        const { size } = session.spawners[rank]!.running;
        if (size > 0) broken.push(`rank ${rank} still runs ${size} tasks of clients that are gone`);
      }
    },
  };
}

/** Lines of the log from any rank: none is written twice, and at the end one of every living rank arrives. */
export function logs(world: World): Load {
  const { session, broken, count } = world;
  const clients = new Clients(world);
  let n = 0;
  return {
    step() {
      const rank = clients.pick();
      session.brokers[rank]!.log("info", `campaign line ${n++}`, "campaign");
    },
    async finish() {
      const ranks = living(session);
      for (const rank of ranks) session.brokers[rank]!.log("info", `last line of ${rank}`, "campaign");
      await session.run(2000);
      const lines = session.written.flatMap((line) => /campaign line (\d+)$/.exec(line)?.[1] ?? []);
      if (new Set(lines).size !== lines.length) broken.push("a line of the log was written twice");
      count("lines", lines.length);
      const last = new Set(session.written.flatMap((line) => /last line of (\d+)$/.exec(line)?.[1] ?? []));
      for (const rank of ranks) if (!last.has(`${rank}`)) broken.push(`the last line of rank ${rank} was not written`);
    },
  };
}
