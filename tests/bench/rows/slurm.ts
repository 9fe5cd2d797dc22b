/**
 * Starting through a Slurm whose nodes are all on this machine, beside srun of a program of the same shape; and what the bootstrap says
 * to a launcher, for each rank. Rows of Slurm only where it is installed.
 */

import { exchange } from "../../../broker/boot/mod.ts";
import { Topology } from "../../../broker/overlay/mod.ts";
import { PmiClient, PmiServer } from "../../../broker/pmi/mod.ts";
import { Queue } from "../../../broker/handle/mod.ts";
import { startSlurm, withoutSlurm } from "../../session/slurm.ts";
import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

export const slurmStarts: readonly Bench[] = [8, 64].map((size) => ({
  name: `slurm.${size}`,
  async *run({ flux, large, times }) {
    if (size > large || withoutSlurm() !== undefined) return;
    await using slurm = await startSlurm(size);
    const commands = {
      flux: [flux, "start", "-N", `${size}`, "true"],
      srun: ["srun", "-N", `${size}`, "-n", `${size}`, "true"],
    };
    const samples: Record<string, number[]> = { flux: [], srun: [] };
    await slurm.run(commands.flux);
    for (let i = 0; i < times(size < 32 ? 9 : 3); i++) {
      for (const [name, words] of Object.entries(commands)) {
        const start = performance.now();
        const { code, stderr } = await slurm.run(words);
        if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${stderr.slice(-600)}`);
        samples[name]!.push((performance.now() - start) / 1000);
      }
    }
    for (const [name, seconds] of Object.entries(samples)) yield figure(`slurm.${size}.${name}`, "s", seconds);
  },
}));

/** Lines and bytes that a rank sends to the launcher and gets from it: the one with most, which is rank 0, and the others. */
export const bootstrapWords: Bench = {
  name: "bootstrap",
  async *run({ large }) {
    for (const size of [8, 64].filter((size) => size <= large)) {
      const said = await wireUp(size);
      const kinds = { root: said.slice(0, 1), others: said.slice(1) };
      for (const [kind, ranks] of Object.entries(kinds)) {
        yield figure(`bootstrap.${size}.${kind}.messages`, "lines", ranks.map(({ lines }) => lines));
        yield figure(`bootstrap.${size}.${kind}.bytes`, "bytes", ranks.map(({ bytes }) => bytes));
      }
    }
  },
};

async function wireUp(size: number): Promise<{ lines: number; bytes: number }[]> {
  const server = new PmiServer({ size, kvsname: "1234.0", values: { PMI_process_mapping: `(vector,(0,${size},1))` } });
  const queues = Array.from({ length: size }, () => new Queue<string>());
  const said = queues.map(() => ({ lines: 0, bytes: 0 }));
  const count = (rank: number, line: string) => {
    said[rank]!.lines++;
    said[rank]!.bytes += line.length + 1;
  };
  const shape = new Topology(size, 2);
  await Promise.all(queues.map(async (queue, rank) => {
    const pmi = new PmiClient({
      async read() {
        const { value } = await queue.next();
        if (value !== undefined) count(rank, value);
        return value ?? null;
      },
      write(line) {
        count(rank, line);
        for (const action of server.receive(rank, line)) {
          if (action.kind === "reply") queues[action.rank]!.push(action.line);
        }
      },
    }, "foreign");
    await pmi.init();
    const at = (name: string, port: number) => `ipc:///tmp/flux-XXXXXX/${name}-${rank},tcp://10.0.0.${rank}:${port}`;
    const endpoints = { tbon: at("tbon", 40001), events: at("event", 40002), ring: at("ring", 40003) };
    const card = { rank, hostname: `node${rank}`, ...endpoints, publicKey: "k".repeat(40) };
    await exchange(pmi, card, { size, shape, isSpread: true, admit: () => {} });
    await pmi.finalize();
  }));
  return said;
}
