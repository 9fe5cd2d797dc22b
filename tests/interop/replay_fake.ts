/** A broker that knows one capture by heart: it answers each message of the program with the bytes captured behind it. */

import {
  decode,
  encode,
  encodeJson,
  type Message,
  MessageType,
  responseTo,
  StreamReader,
} from "../../broker/message/mod.ts";
import { isBroken } from "../../broker/handle/mod.ts";
import { type Capture, messagesOf, type Spoken } from "../captures.ts";
import { framed, SETTLE_TAG } from "./replay_client.ts";

/** Changes what the fake says: given a message that is due, returns the messages to send instead. */
export type Distortion = (message: Message, spoken: Spoken) => Message[];

export class FakeBroker implements AsyncDisposable {
  readonly path: string;
  /** Messages of the program that were not those captured. */
  readonly surprises: string[] = [];
  readonly #listener: Deno.UnixListener;
  readonly #serving: Promise<void>;
  readonly #connections = new Set<Deno.UnixConn>();

  /** Serves `capture` on a socket at `path`. The first connection plays its first one, and so on; others are only settled. */
  constructor(path: string, capture: Capture, distort: Distortion = (message) => [message]) {
    this.path = path;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#serving = this.#serve(capture, distort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#connections) conn.close();
    await this.#serving;
  }

  async #serve(capture: Capture, distort: Distortion): Promise<void> {
    const names = capture.steps.flatMap((step) => step.step === "open" ? [step.connection] : []);
    const talks: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      this.#connections.add(conn);
      const name = names.shift();
      const script = messagesOf(capture).filter((spoken) => spoken.connection === name);
      talks.push(this.#talk(conn, script, distort).finally(() => this.#connections.delete(conn)));
    }
    await Promise.all(talks);
  }

  async #talk(conn: Deno.UnixConn, script: Spoken[], distort: Distortion): Promise<void> {
    const say = async (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    };
    const answer = async () => {
      for (; script[0]?.direction === "<-"; script.shift()) {
        for (const message of distort(script[0].message!.copy(), script[0])) await say(framed(encode(message)));
      }
    };
    try {
      await say(new Uint8Array(1));
      const reader = new StreamReader();
      for (let count; (count = await conn.read(reader.space())) !== null;) {
        reader.filled(count);
        for (let bytes = reader.next(); bytes; bytes = reader.next()) {
          const heard = decode(bytes);
          if (heard.type === MessageType.request && heard.matchtag === SETTLE_TAG) {
            const rank = encodeJson({ value: "0", flags: 1 });
            await say(framed(encode(responseTo(heard, { userid: 0, rolemask: 5 }, 0, rank))));
          } else if (script.length > 0) {
            this.#check(script.shift()!, bytes);
            await answer();
          }
        }
      }
      conn.close();
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
  }

  #check(spoken: Spoken, bytes: Uint8Array): void {
    if (spoken.bytes?.toHex() !== bytes.toHex()) this.surprises.push(`line ${spoken.line}: ${bytes.toHex()}`);
  }
}
