import fc from "fast-check";
import { FluxError } from "../../../../broker/message/mod.ts";
import { type Action, type Input, type News, Subprocess } from "../../../../broker/service/exec/subprocess.ts";
import { assert, assertEquals, assertThrows } from "../../../assert.ts";
import { check } from "../../../property.ts";

const OPTIONS = {
  outputs: [{ name: "stdout", credit: 100, wholeLines: true }, { name: "stderr", credit: Infinity, wholeLines: false }],
  inputs: [{ name: "stdin", credit: 1000 }],
  tellsCredit: true,
};
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined) => data === undefined ? "eof" : new TextDecoder().decode(data);

/** What is to be done, in short. */
function short(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    if (action.do === "tell") return tellShort(action.news);
    if (action.do === "write") return `write ${text(action.bytes)}`;
    if (action.do === "signal") return `signal ${action.number}`;
    if (action.do === "over") return action.error ? `over ${action.error.code}` : "over";
    return `${action.do} ${action.stream}`;
  });
}

function tellShort(news: News): string {
  switch (news.type) {
    case "output":
      return `${news.stream}: ${text(news.bytes)}`;
    case "add-credit":
      return `credit ${news.bytes}`;
    case "finished":
      return `finished ${news.status}`;
    default:
      return news.type;
  }
}

function running(): Subprocess {
  const one = new Subprocess(OPTIONS);
  one.handle({ is: "started", pid: 7 });
  return one;
}

Deno.test("Subprocess tells that it started, gives credit, and reads", () => {
  const one = new Subprocess(OPTIONS);
  assertEquals(short(one.handle({ is: "started", pid: 7 })), ["started", "credit 1000", "read stdout", "read stderr"]);
});

Deno.test("Subprocess is over at once when it could not be started", () => {
  const one = new Subprocess(OPTIONS);
  assertEquals(short(one.handle({ is: "refused", error: new FluxError("ENOENT") })), ["over ENOENT"]);
  assertEquals(one.handle({ is: "write", stream: "stdin", bytes: bytes("x") }), []);
});

Deno.test("Subprocess sends whole lines, and the rest at the end", () => {
  const one = running();
  const read = (data: string) => short(one.handle({ is: "read", stream: "stdout", bytes: bytes(data) }));
  assertEquals(read("one\ntw"), ["stdout: one\n", "read stdout"]);
  assertEquals(read("o\nthree"), ["stdout: two\n", "read stdout"]);
  assertEquals(short(one.handle({ is: "ended", stream: "stdout" })), ["stdout: three", "stdout: eof"]);
  assertEquals(short(one.handle({ is: "read", stream: "stderr", bytes: bytes("x") })), ["stderr: x", "read stderr"]);
});

Deno.test("Subprocess reads no more than it has credit for", () => {
  const one = running();
  const line = `${"x".repeat(149)}\n`;
  assertEquals(short(one.handle({ is: "read", stream: "stdout", bytes: bytes(line) })), [`stdout: ${line}`]);
  assertEquals(one.handle({ is: "credit", stream: "stdout", bytes: 50 }), []);
  assertEquals(short(one.handle({ is: "credit", stream: "stdout", bytes: 1 })), ["read stdout"]);
  assertEquals(one.handle({ is: "credit", stream: "stdout", bytes: 1 }), []);
});

Deno.test("Subprocess is over when it has ended and its streams are closed, in either order", () => {
  const first = running();
  assertEquals(short(first.handle({ is: "exited", status: 768 })), ["close stdin", "finished 768"]);
  first.handle({ is: "ended", stream: "stdout" });
  assertEquals(short(first.handle({ is: "ended", stream: "stderr" })), ["stderr: eof", "over"]);
  const last = running();
  for (const stream of ["stdout", "stderr"]) last.handle({ is: "ended", stream });
  assertEquals(short(last.handle({ is: "exited", status: 9 })), ["close stdin", "finished 9", "over"]);
});

Deno.test("Subprocess does not wait for a stream that nobody wants", () => {
  const one = running();
  assertEquals(short(one.handle({ is: "unwanted", stream: "stdout" })), ["discard stdout"]);
  assertEquals(one.handle({ is: "read", stream: "stdout", bytes: bytes("x\n") }), []);
  one.handle({ is: "exited", status: 0 });
  assertEquals(short(one.handle({ is: "unwanted", stream: "stderr" })), ["discard stderr", "over"]);
});

Deno.test("Subprocess hands its input over one piece after the other, and credits what was taken", () => {
  const one = running();
  const write = (data: string) => short(one.handle({ is: "write", stream: "stdin", bytes: bytes(data) }));
  assertEquals([write("ab"), write("c"), write("d")], [["write ab"], [], []]);
  assertEquals(short(one.handle({ is: "write-end", stream: "stdin" })), []);
  assertEquals(short(one.handle({ is: "taken", stream: "stdin" })), ["credit 2", "write c"]);
  assertEquals(short(one.handle({ is: "taken", stream: "stdin" })), ["credit 1", "write d"]);
  assertEquals(short(one.handle({ is: "taken", stream: "stdin" })), ["credit 1", "close stdin"]);
  assertEquals(write("late"), ["credit 4"]);
});

Deno.test("Subprocess keeps what is written to it before it has started", () => {
  const one = new Subprocess(OPTIONS);
  assertEquals(one.handle({ is: "write", stream: "stdin", bytes: bytes("early") }), []);
  assertEquals(short(one.handle({ is: "started", pid: 7 })).includes("write early"), true);
});

Deno.test("Subprocess credits what nobody will read, so that its writer is not held up", () => {
  const one = running();
  one.handle({ is: "write", stream: "stdin", bytes: bytes("abc") });
  assertEquals(short(one.handle({ is: "unread", stream: "stdin" })), ["close stdin", "credit 3"]);
  assertEquals(short(one.handle({ is: "write", stream: "stdin", bytes: bytes("de") })), ["credit 2"]);
});

Deno.test("Subprocess refuses a writer that goes far beyond its credit", () => {
  const one = running();
  const mib = new Uint8Array(1 << 20);
  const flood = () => {
    for (let i = 0; i < 100; i++) one.handle({ is: "write", stream: "stdin", bytes: mib });
  };
  assertThrows(flood, { errno: "ENOBUFS" });
  assert(one.waiting < 64 << 20);
});

Deno.test("Subprocess that nobody wants is killed, its streams are let go, and nothing is told any more", () => {
  const one = running();
  const actions = short(one.handle({ is: "abandon" }));
  assertEquals(actions, ["signal 9", "discard stdout", "discard stderr", "close stdin"]);
  assertEquals(one.handle({ is: "read", stream: "stdout", bytes: bytes("x\n") }), []);
  assertEquals(short(one.handle({ is: "exited", status: 9 })), ["close stdin", "over"]);
});

Deno.test("Subprocess that nobody wants before it has started is killed when it has", () => {
  const one = new Subprocess(OPTIONS);
  assertEquals(one.handle({ is: "abandon" }), []);
  assertEquals(short(one.handle({ is: "started", pid: 7 }))[0], "signal 9");
});

/**
 * A process as the system makes one, at random: it answers what it is asked in any order, writes, ends, is left behind by
 * its client or not. Whatever comes, the machine must reach `over`, having told everything once and in order.
 */
Deno.test("Subprocess comes to its end on every path, tells each end once, and loses no byte", () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ is: fc.constant("output"), which: fc.boolean(), data: fc.string({ maxLength: 80 }) }),
    },
    { weight: 3, arbitrary: fc.record({ is: fc.constant("write"), data: fc.string({ maxLength: 40 }) }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant("take") }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant("credit"), bytes: fc.nat(60) }) },
    {
      weight: 1,
      arbitrary: fc.record({ is: fc.constantFrom("exit", "unread", "write-end", "stop", "close-out", "abandon") }),
    },
  );
  check(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, starts) => {
      const world = new World();
      if (!starts) {
        world.feed({ is: "refused", error: new FluxError("ENOENT") });
        assertEquals([world.over, world.told], [1, []]);
        return;
      }
      world.feed({ is: "started", pid: 7 });
      for (const one of steps) world.step(one as Step);
      world.finish();
      world.check();
    }),
    500,
  );
});

type Step = { is: string; which?: boolean; data?: string; bytes?: number };

class World {
  readonly machine = new Subprocess(OPTIONS);
  readonly told: News[] = [];
  over = 0;
  /** Written by the process, by stream; read from it by its client. */
  readonly written: Record<string, string> = { stdout: "", stderr: "" };
  readonly #unread: Record<string, string> = { stdout: "", stderr: "" };
  readonly #asked = new Set<string>();
  readonly #closed = new Set<string>();
  /** Given to the machine, and taken by the process, of standard input. */
  sent = "";
  received = "";
  #writing: Uint8Array | undefined;
  #stdin = true;
  #credit = 100;
  #alive = true;
  #abandoned = false;

  feed(input: Input): void {
    let killed = false;
    for (const action of this.machine.handle(input)) {
      assert(this.over === 0, "something is to be done after the end");
      if (action.do === "tell") this.told.push(action.news);
      if (action.do === "over") this.over++;
      if (action.do === "read") {
        assert(!this.#asked.has(action.stream) && !this.#closed.has(action.stream), "asked twice");
        this.#asked.add(action.stream);
      }
      if (action.do === "write") {
        assert(this.#writing === undefined, "two writes at a time");
        this.#writing = action.bytes;
      }
      killed ||= action.do === "signal";
    }
    if (killed) this.#kill();
    this.#answer();
  }

  step(step: Step): void {
    const stream = step.which ? "stdout" : "stderr";
    switch (step.is) {
      case "output":
        if (!this.#alive || this.#closed.has(stream)) return;
        this.written[stream] += step.data!;
        this.#unread[stream] += step.data!;
        return this.#answer();
      case "write":
        if (!this.#abandoned && this.over === 0) this.sent += step.data!;
        return this.feed({ is: "write", stream: "stdin", bytes: bytes(step.data!) });
      case "take":
        return this.#take();
      case "credit":
        this.#credit += step.bytes!;
        return this.feed({ is: "credit", stream: "stdout", bytes: step.bytes! });
      case "exit":
        return this.#kill();
      case "unread":
        this.#stdin = false;
        return this.#take();
      case "write-end":
        return this.feed({ is: "write-end", stream: "stdin" });
      case "stop":
        return this.feed({ is: "stopped" });
      case "close-out":
        this.#closed.add("stdout");
        return this.#answer();
      case "abandon":
        this.#abandoned = true;
        return this.feed({ is: "abandon" });
    }
  }

  /** The client goes on to read, the process to its end. */
  finish(): void {
    this.#kill();
    for (const stream of ["stdout", "stderr"]) this.#closed.add(stream);
    for (let i = 0; i < 200 && this.over === 0; i++) {
      this.#credit += 1000;
      this.feed({ is: "credit", stream: "stdout", bytes: 1000 });
    }
  }

  check(): void {
    assertEquals([this.over, this.machine.phase], [1, "over"]);
    assert(this.sent.startsWith(this.received), "input out of order");
    for (const name of ["stdout", "stderr"]) {
      const pieces = this.told.filter((news) => news.type === "output" && news.stream === name) as (News & {
        type: "output";
      })[];
      const ends = pieces.filter((piece) => piece.bytes === undefined);
      const all = pieces.map((piece) => piece.bytes ? text(piece.bytes) : "").join("");
      if (this.#abandoned) assert(this.written[name]!.startsWith(all) && ends.length <= 1);
      else assertEquals([all, ends.length, pieces.at(-1)!.bytes], [this.written[name]!, 1, undefined], name);
    }
    const finished = this.told.filter(({ type }) => type === "finished").length;
    assert(this.#abandoned ? finished <= 1 : finished === 1, `finished ${finished} times`);
  }

  #kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#writing = undefined;
    this.feed({ is: "exited", status: 9 });
  }

  #take(): void {
    const writing = this.#writing;
    if (!writing || !this.#alive) return;
    this.#writing = undefined;
    if (!this.#stdin) return this.feed({ is: "unread", stream: "stdin" });
    this.received += text(writing);
    this.feed({ is: "taken", stream: "stdin" });
  }

  /** What was asked for and is there. */
  #answer(): void {
    for (const stream of [...this.#asked]) {
      const data = this.#unread[stream]!;
      if (data === "" && !(this.#closed.has(stream) || !this.#alive)) continue;
      this.#asked.delete(stream);
      this.#unread[stream] = "";
      if (data === "") {
        this.#closed.add(stream);
        this.feed({ is: "ended", stream });
      } else {
        if (stream === "stdout") assert(this.#sentOut() <= this.#credit + 1000, "beyond its credit");
        this.feed({ is: "read", stream, bytes: bytes(data) });
      }
    }
  }

  #sentOut(): number {
    const pieces = this.told.filter((news) => news.type === "output" && news.stream === "stdout");
    return pieces.reduce(
      (sum, news) => sum + ("bytes" in news && news.bytes instanceof Uint8Array ? news.bytes.length : 0),
      0,
    );
  }
}
