import { Output } from "../../../../commands/render/output.ts";
import { assert, assertEquals } from "../../../assert.ts";

/** A writer that finishes each write when told to. */
class SlowWriter {
  readonly written: string[] = [];
  #pending: (() => void)[] = [];
  readonly write = (bytes: Uint8Array): Promise<void> => {
    this.written.push(new TextDecoder().decode(bytes));
    return new Promise((resolve) => this.#pending.push(resolve));
  };
  async finish(): Promise<void> {
    this.#pending.shift()?.();
    await new Promise((resolve) =>
      queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => resolve(undefined))))
    );
  }
}

Deno.test("Output.print() starts to write at once", () => {
  const writer = new SlowWriter();
  new Output(writer.write).print("one\n");
  assertEquals(writer.written, ["one\n"]);
});

Deno.test("Output.print() gathers what comes during a write into the next one", async () => {
  const writer = new SlowWriter();
  const output = new Output(writer.write);
  for (const word of ["a", "b", "c", "d"]) output.print(word);
  await writer.finish();
  assertEquals(writer.written, ["a", "bcd"]);
});

Deno.test("Output.print() asks to wait when much is waiting", () => {
  const output = new Output(new SlowWriter().write);
  output.print("x");
  assertEquals(output.print("y"), undefined);
  assert(output.print("z".repeat(100_000)) instanceof Promise);
});

Deno.test("Output.flush() waits for everything printed", async () => {
  const writer = new SlowWriter();
  const output = new Output(writer.write);
  output.print("a");
  output.print("b");
  let done = false;
  const flushed = output.flush().then(() => done = true);
  await writer.finish();
  assertEquals(done, false);
  await writer.finish();
  await flushed;
  assertEquals(writer.written.join(""), "ab");
});

Deno.test("Output.broken rejects with what a write failed with, and so does flush()", async () => {
  const failure = new Error("full");
  const output = new Output(() => Promise.reject(failure));
  output.print("a");
  assertEquals(await output.broken.catch((error) => error), failure);
  output.print("b");
  assertEquals(await output.flush().catch((error) => error), failure);
});

Deno.test("Output writes texts and bytes in the order they were printed", async () => {
  const written: number[] = [];
  const output = new Output((bytes) => (written.push(...bytes), Promise.resolve()));
  for (const item of ["ä", new Uint8Array([0, 255]), "", "b", "c", new Uint8Array(), "d"]) output.print(item);
  await output.flush();
  assertEquals(written, [0xc3, 0xa4, 0, 255, 98, 99, 100]);
});
