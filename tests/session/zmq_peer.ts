/**
 * One process of the transport tests: `deno run -A zmq_peer.ts ROLE ARGUMENT…`. It prints lines of JSON to its parent.
 *
 * - `listen ENDPOINT COUNT SECONDS`, `dial ENDPOINT COUNT SECONDS`: one side of a soak
 * - `echo ENDPOINT`: listens and answers every message with itself
 * - `babble ENDPOINT NAME`: dials, says hello and then talks without end
 * - `hello ENDPOINT NAME`: dials, says hello, ends at the answer
 * - `tree DIRECTORY SIZE RANK`: a rank of a binary tree that counts itself up to rank 0
 */
import { zmqTransport } from "../../broker/overlay/zmq/mod.ts";
import { Soak } from "./soak.ts";

const transport = zmqTransport();
const encoder = new TextEncoder(), decoder = new TextDecoder();
const say = (line: unknown) => Deno.stdout.writeSync(encoder.encode(JSON.stringify(line) + "\n"));
const nothing = () => {};

async function finish(result: unknown): Promise<void> {
  await transport.close(5000);
  say(result);
}

const roles: Record<string, (...args: string[]) => void> = {
  listen(endpoint, count, seconds) {
    let soak: Soak | null = null;
    const listener = transport.listen(endpoint!, {}, {
      message(peer, body) {
        soak ??= new Soak(Number(count), Number(seconds), (bytes) => listener.send(peer, bytes), finish);
        soak.take(body);
      },
      down: (_peer, reason) => soak?.end(reason),
    });
  },
  dial(endpoint, count, seconds) {
    let soak: Soak | null = null;
    const link = transport.dial(endpoint!, { name: `soak-${Deno.pid}` }, {
      up: () => soak = new Soak(Number(count), Number(seconds), (bytes) => link.send(bytes), finish),
      message: (body) => soak!.take(body),
      down: (reason) => soak!.end(reason),
    });
  },
  echo(endpoint) {
    const listener = transport.listen(endpoint!, {}, {
      message: (peer, body) => void listener.send(peer, new Uint8Array(body)),
      down: nothing,
    });
    say("listening");
  },
  babble(endpoint, name) {
    const link = transport.dial(endpoint!, { name: name! }, { up: () => say("up"), message: nothing, down: nothing });
    link.send(encoder.encode("hello"));
    setInterval(() => {
      for (let i = 0; i < 200; i++) link.send(new Uint8Array(1000));
    }, 1);
  },
  hello(endpoint, name) {
    const link = transport.dial(endpoint!, { name: name! }, {
      message: (body) => void finish(decoder.decode(body)),
      down: nothing,
    });
    link.send(encoder.encode(`hello from ${name}`));
    say("dialling");
  },
  tree(directory, sizeText, rankText) {
    const [size, rank] = [Number(sizeText), Number(rankText)];
    const children = [2 * rank + 1, 2 * rank + 2].filter((child) => child < size);
    const socket = (of: number) => `ipc://${directory}/${of}`;
    let count = 1, left = children.length;
    const report = () => {
      if (left > 0) return;
      if (!link) return void finish(count);
      link.send(encoder.encode(String(count)));
    };
    // Dials before it listens: the leaves come first or last, as it happens.
    const link = rank === 0 ? null : transport.dial(socket((rank - 1) >> 1), { name: `rank-${rank}` }, {
      message: nothing,
      down: () => void finish(count),
    });
    if (left > 0) {
      transport.listen(socket(rank), {}, {
        message(_peer, body) {
          count += Number(decoder.decode(body));
          left--;
          report();
        },
        down: nothing,
      });
    }
    report();
  },
};

roles[Deno.args[0]!]!(...Deno.args.slice(1));
