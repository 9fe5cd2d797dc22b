/** What the soak does to a session, all at once: messages of every kind, commands, modules. */

import { type Load, PATIENCE, pick, soon } from "./load.ts";

export const messageLoads: Readonly<Record<string, Load>> = {
  async pings({ size, random, connect, deadline, done }) {
    const flux = await connect(3);
    for (let seq = 0; !deadline.aborted; seq++) {
      const rank = pick(random, size);
      const pad = "x".repeat(2 ** pick(random, 17));
      const answer = await flux.rpc<{ seq: number; pad: string; rank: number }>("broker.ping", { seq, pad }, {
        rank,
        timeout: PATIENCE,
      });
      if (answer.seq !== seq || answer.pad !== pad || answer.rank !== rank) {
        throw new Error(`wrong answer from rank ${rank}`);
      }
      done();
    }
  },

  async pipelined({ size, random, connect, deadline, done }) {
    const flux = await connect(7);
    while (!deadline.aborted) {
      const rank = pick(random, size);
      const seqs = Array.from({ length: 200 }, (_, seq) => seq);
      const rpc = (seq: number) => flux.rpc<{ seq: number }>("broker.ping", { seq }, { rank, timeout: PATIENCE });
      const answers = await Promise.all(seqs.map(rpc));
      if (!answers.every((answer, seq) => answer.seq === seq)) throw new Error(`answers of rank ${rank} are mixed up`);
      done();
    }
  },

  async events({ size, connect, deadline, done }) {
    const publisher = await connect(5);
    const readers = await Promise.all(Array.from({ length: size }, async (_, rank) => {
      const flux = await connect(rank);
      return await flux.subscribe("soak.");
    }));
    for (let n = 0; !deadline.aborted; n++) {
      for (let i = 0; i < 20; i++) publisher.publish("soak.tick", { n, i });
      for (const reader of readers) {
        for (let i = 0; i < 20; i++) {
          const { value } = await soon(reader.next(), `event ${n}.${i}`);
          if (value?.payload.n !== n || value?.payload.i !== i) {
            throw new Error(`expected event ${n}.${i}, got ${JSON.stringify(value?.payload)}`);
          }
        }
      }
      done();
    }
  },

  async log({ connect, deadline, done }) {
    const flux = await connect(6);
    const root = await connect(0);
    const lines = root.streamRaw("log.dmesg", new TextEncoder().encode('{"follow":true,"nobacklog":true}\0'));
    // Answered behind the request to follow: what is logged from here on is followed.
    await root.rpc("broker.ping", {}, { timeout: PATIENCE });
    const text = new TextDecoder();
    for (let n = 0; !deadline.aborted; n++) {
      for (let i = 0; i < 10; i++) {
        flux.post(
          "log.append",
          new TextEncoder().encode(`<48>1 2026-01-01T00:00:00.000000Z 6 soak 1 - - line ${n}.${i}`),
        );
      }
      for (let i = 0; i < 10;) {
        const { value } = await soon(lines.next(), `log line ${n}.${i}`);
        const line = text.decode(value ?? new Uint8Array());
        if (line.includes(" soak ")) {
          if (!line.includes(`line ${n}.${i}\0`)) throw new Error(`expected line ${n}.${i}, got ${line}`);
          i++;
        }
      }
      done();
    }
    await lines.return();
  },

  async mrpc({ size, random, connect, deadline, done }) {
    const flux = await connect(2);
    while (!deadline.aborted) {
      const ranks = new Set(Array.from({ length: 1 + pick(random, size) }, () => pick(random, size)));
      for await (
        const answer of flux.mrpc("broker.ping", { seq: 1 }, { ranks: [...ranks].join(","), timeout: PATIENCE })
      ) {
        if (answer.errnum !== 0) throw new Error(`rank ${answer.rank}: errno ${answer.errnum}`);
        if (!ranks.delete(answer.rank)) throw new Error(`rank ${answer.rank} answered twice`);
      }
      if (ranks.size > 0) throw new Error(`no answer from ${[...ranks]}`);
      done();
    }
  },

  async clients({ size, random, connect: _, deadline, session, done }) {
    while (!deadline.aborted) {
      const rank = pick(random, size);
      const { code, stdout, stderr } = await session.flux(["getattr", "rank"], { rank });
      if (code !== 0 || stdout !== `${rank}\n`) throw new Error(`flux getattr rank: ${code} ${stdout}${stderr}`);
      done();
    }
  },

  async modules({ session, size, random, deadline, done }) {
    const path = new URL("../fixtures/modules/counter.js", import.meta.url).pathname;
    while (!deadline.aborted) {
      const rank = pick(random, size);
      for (const args of [["module", "load", path], ["ping", "-c1", "counter"], ["module", "remove", "counter"]]) {
        const { code, stderr } = await session.flux(args, { rank });
        if (code !== 0) throw new Error(`flux ${args.join(" ")} at rank ${rank}: ${stderr}`);
      }
      done();
    }
  },

  async services({ connect, deadline, done }) {
    const caller = await connect(1);
    for (let n = 0; !deadline.aborted; n++) {
      const name = `soak${n % 8}`;
      const server = await connect(1);
      await server.serve({ [`${name}.add`]: ({ payload }) => ({ sum: Number(payload.a) + Number(payload.b) }) });
      const { sum } = await caller.rpc<{ sum: number }>(`${name}.add`, { a: n, b: 1 }, { timeout: PATIENCE });
      if (sum !== n + 1) throw new Error(`wrong sum ${sum}`);
      server.close();
      done();
    }
  },
};
