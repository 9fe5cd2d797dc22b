/** How fast output and input of a job get through, from the command line; and a key on a terminal three hops away. */

import { Kvs } from "../../../modules/kvs/client.ts";
import { decodeJson, encodeIo, encodeJson, type JsonObject } from "../../../broker/message/mod.ts";
import type { Bench } from "../bench.ts";
import { figure } from "../figure.ts";

const LINES = 1_500_000;
const OUTPUT = 200_000_000;
const INPUT = 64_000_000;

/** A task one hop away, a reader that takes all there is. */
export const jobOutput: Bench = {
  name: "job.output",
  async *run({ flux, session, times, quick }) {
    const env = { FLUX_URI: (await session({ size: 2 })).uri(1) };
    const share = quick ? 10 : 1;
    const rates = async (count: number, script: string, input?: string) => {
      const samples: number[] = [];
      for (let i = 0; i < times(5); i++) {
        const before = performance.now();
        const words = `${input ?? ":"} | "${flux}" wreckrun ${script} >/dev/null`;
        const { success } = await new Deno.Command("sh", { args: ["-c", words], env, stdin: "null" }).output();
        if (!success) throw new Error(`${words} failed`);
        samples.push(count * 1000 / (performance.now() - before));
      }
      return samples;
    };
    const lines = LINES / share;
    yield figure("job.output.lines", "/s", await rates(lines, `seq 1 ${lines}`));
    const text = `sh -c 'yes "this is a line of output of some length" | head -c ${OUTPUT / share}'`;
    yield figure("job.output.text", "MB/s", (await rates(OUTPUT / share, text)).map((bytes) => bytes / 1e6));
    const binary = `head -c ${OUTPUT / share} /dev/zero`;
    yield figure("job.output.binary", "MB/s", (await rates(OUTPUT / share, binary)).map((bytes) => bytes / 1e6));
    const input = `head -c ${INPUT / share} /dev/zero`;
    yield figure("job.input.binary", "MB/s", (await rates(INPUT / share, "wc -c", input)).map((bytes) => bytes / 1e6));
  },
};

/** From the message that a key was typed to the one with its echo: to rank 7 of 8, three hops away. */
export const keystroke: Bench = {
  name: "zio.keystroke",
  async *run({ flux, session, times }) {
    const shared = await session({ size: 8 });
    const handle = await shared.connect();
    const words = ["zio", "run", "--pty", "--force", "--key", "bench", "cat"];
    const child = new Deno.Command(flux, {
      args: words,
      env: { FLUX_URI: shared.uri(7) },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const key = { waitcreate: true };
    let live: { service: string; rank: number } | undefined;
    for await (const bytes of new Kvs(handle).watchBytes("bench.live", key)) {
      live = JSON.parse(new TextDecoder().decode(bytes));
      break;
    }
    const { service, rank } = live!;
    const stream = handle.streamRaw(`${service}.attach`, encodeJson({ credit: 1 << 20 }), { rank });
    const news = async (type: string): Promise<void> => {
      for (;;) {
        const { value, done } = await stream.next();
        if (done) throw new Error("the program ended");
        const one: JsonObject = decodeJson(value);
        if (one.type === type) return;
      }
    };
    await news("attached");
    const samples: number[] = [];
    const io = encodeIo("stdin", "", new Uint8Array([120]));
    for (let i = -5; i < times(200); i++) {
      const before = performance.now();
      handle.post(`${service}.write`, { matchtag: stream.matchtag, io }, { rank });
      await news("output");
      if (i >= 0) samples.push((performance.now() - before) * 1000);
    }
    yield figure("zio.keystroke", "us", samples);
    child.kill("SIGTERM");
    await child.status;
    handle.close();
  },
};
