/**
 * A process of someone who is not in the session: `deno run -A stranger.ts ROLE ENDPOINT ARGUMENT…`. It prints one line of JSON.
 *
 * - `keyless ENDPOINT`: dials without keys and says hello
 * - `keyed ENDPOINT SERVER-KEY COUNT [plain]`: dials that often, with new keys each time, and says hello
 * - `claim ENDPOINT SERVER-KEY PUBLIC-KEY SECRET-KEY RANK [plain]`: dials with keys that are let in, and says it is this rank
 * - `babble ENDPOINT`: sends what is no protocol
 * - `scan ENDPOINT COUNT`: connects and leaves at once
 * - `mute ENDPOINT COUNT`: connects that often, says nothing, prints a line, and stays until its input ends
 */

import { linkRequest } from "../../broker/overlay/link_message.ts";
import { PROTOCOL } from "../../broker/overlay/hello.ts";
import { curveKeypair, zmqTransport } from "../../broker/overlay/zmq/mod.ts";
import { decode, encode } from "../../broker/message/mod.ts";
import type { DialOptions } from "../../broker/ports/mod.ts";

const [role = "", endpoint = "", ...args] = Deno.args;
const [, hostname = "", port = ""] = /^tcp:\/\/(.*):(\d+)$/.exec(endpoint) ?? [];
/** Of the keys of those who have some. */
const mechanism = { mechanism: args.includes("plain") ? "plain" : "curve" } as const;
const encoder = new TextEncoder();

/** Dials as a broker would, and tells what came of it until something like `enough` has. */
async function hello(options: Omit<DialOptions, "name">, rank = 1, enough = /./): Promise<string[]> {
  const heard: string[] = [];
  const transport = zmqTransport();
  const done = Promise.withResolvers<void>();
  const note = (what: string) => {
    heard.push(what);
    if (enough.test(what)) done.resolve();
  };
  const link = transport.dial(endpoint, { name: crypto.randomUUID(), ...options }, {
    up: () => note("up"),
    message: (bytes) => {
      const { errnum, payload } = decode(bytes);
      note(`answer ${errnum}: ${new TextDecoder().decode(payload).replace("\0", "")}`);
    },
    down: (reason) => note(`down: ${reason}`),
    refused: (reason) => note(`refused: ${reason}`),
  });
  const build = { version: "0.1.0", protocol: [...PROTOCOL] };
  const greeting = { rank, uuid: "evil", hostname: "evil", ranks: `${rank}`, ...build };
  link.send(encode(linkRequest("overlay.hello", greeting)));
  await done.promise;
  await transport.close(0);
  return heard;
}

const connect = () => Deno.connect({ hostname, port: Number(port) });

const roles: Record<string, () => Promise<unknown>> = {
  keyless: () => hello({}),
  async keyed() {
    const heard: string[] = [];
    for (let i = 0; i < Number(args[1]); i++) {
      heard.push(...await hello({ keys: { ...curveKeypair(), ...mechanism }, serverKey: args[0]! }));
    }
    return heard;
  },
  claim() {
    const [serverKey = "", publicKey = "", secretKey = "", rank = ""] = args;
    return hello({ keys: { publicKey, secretKey, ...mechanism }, serverKey }, Number(rank), /^down/);
  },
  async babble() {
    let bytes = 0;
    for (const text of ["GET / HTTP/1.1\r\n\r\n", "\xff\0\0\0\0\0\0\0\x01\x7f".repeat(1000), "\n".repeat(100_000)]) {
      const conn = await connect();
      const answer = new Response(conn.readable).bytes().catch(() => new Uint8Array(0));
      const writer = conn.writable.getWriter();
      await writer.write(encoder.encode(text)).catch(() => {});
      await writer.close().catch(() => {});
      bytes += (await answer).length;
    }
    return bytes;
  },
  async scan() {
    for (let i = 0; i < Number(args[0]); i++) (await connect()).close();
    return "done";
  },
  async mute() {
    const conns: Deno.TcpConn[] = [];
    for (let i = 0; i < Number(args[0]); i++) conns.push(await connect());
    return conns.length;
  },
};

const result = await roles[role]!();
console.log(JSON.stringify(result));
if (role === "mute") { for await (const _ of Deno.stdin.readable); }
Deno.exit(0);
