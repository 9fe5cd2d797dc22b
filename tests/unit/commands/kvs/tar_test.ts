import {
  decodeHeader,
  decodeRecords,
  encodeHeader,
  encodeRecords,
  ending,
  padding,
  TarError,
  TarType,
} from "../../../../commands/kvs/tar.ts";
import { readTar, type TarEntry } from "../../../../commands/kvs/tar_reader.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";
import fc from "fast-check";

const TIME = 1_700_000_000;
const LIMIT = 1 << 20;

interface Given {
  path: string;
  data?: Uint8Array;
  target?: string;
}

/** A whole archive of files, links and directories (no data, no target). */
function archive(entries: readonly Given[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [encodeRecords(TarType.paxGlobal, "GlobalHead", [["comment", "a test"]], TIME)];
  for (const { path, data, target } of entries) {
    const type = target !== undefined ? TarType.symlink : data ? TarType.file : TarType.directory;
    parts.push(encodeHeader({ path, type, size: data?.length ?? 0, ...(target !== undefined && { target }) }, TIME));
    if (data) parts.push(data, padding(data.length));
  }
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const whole = new Uint8Array(size + ending(size).length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `bytes` in chunks of this length. */
async function* chunked(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function read(bytes: Uint8Array, length = 4096): Promise<TarEntry[]> {
  return Array.fromAsync(readTar(chunked(bytes, length), { limit: LIMIT }).entries);
}

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await read(bytes);
  } catch (error) {
    if (error instanceof TarError) return error.message;
    throw error;
  }
  return "";
}

const path = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
  fc.stringMatching(/^[a-z/]{90,300}$/),
).map((text) => text.replaceAll("\0", "0").replace(/\/*$/, "x"));

Deno.test(
  "readTar() reads what encodeHeader() wrote, in chunks of any length",
  () =>
    fc.assert(fc.asyncProperty(
      fc.array(fc.oneof(
        fc.record({ path, data: fc.uint8Array({ maxLength: 1500 }) }),
        fc.record({ path, target: path }),
        fc.record({ path }),
      )),
      fc.integer({ min: 1, max: 3000 }),
      async (given, length) => {
        const entries = await read(archive(given), length);
        assertEquals(entries.map(({ path }) => path), given.map(({ path }) => path));
        for (const [i, one] of given.entries()) {
          assertEquals(entries[i]!.target, "target" in one ? one.target : undefined);
          if ("data" in one) assertEquals(new Uint8Array(entries[i]!.data!), new Uint8Array(one.data));
        }
      },
    )),
);

Deno.test(
  "decodeRecords() reads what encodeRecords() wrote",
  () =>
    check(fc.property(fc.string({ unit: "grapheme", maxLength: 1100 }), (value) => {
      const bytes = encodeRecords(TarType.pax, "x", [["path", value], ["linkpath", "é"]], TIME);
      const { size } = decodeHeader(bytes.subarray(0, 512))!;
      assertEquals(decodeRecords(bytes.subarray(512, 512 + size)), new Map([["path", value], ["linkpath", "é"]]));
    })),
);

Deno.test("readTar() notices an archive that stops early, at whatever byte", async () => {
  const whole = archive([{ path: "a/" }, { path: "a/b", data: new Uint8Array(700) }]);
  const end = 1024 + 512 + 512 + 1024;
  for (const length of [0, 100, 512, 1024, 1536, 2048, 2500, end - 1, end, end + 100]) {
    assert(/^truncated: it stops after \d+ bytes, without/.test(await refusal(whole.subarray(0, length))), `${length}`);
  }
  assertEquals((await read(whole.subarray(0, end + 512))).length, 2);
});

Deno.test("readTar() says where an archive is damaged", async () => {
  const whole = archive([{ path: "a", data: new Uint8Array(10) }, { path: "b", data: new Uint8Array(10) }]);
  whole[1024 + 1024 + 3]! ^= 1;
  assertEquals(await refusal(whole), "at byte 2048: not a tar header (its checksum is wrong)");
  assert((await refusal(new TextEncoder().encode("hello, world\n".repeat(100)))).startsWith("at byte 0: not a tar"));
});

Deno.test("readTar() refuses an entry over the limit before it takes it in", async () => {
  const header = encodeHeader({ path: "big", type: TarType.file, size: LIMIT + 1 }, TIME);
  assertEquals(await refusal(header), `big: ${LIMIT + 1} bytes are more than a value may have`);
});

Deno.test("readTar() reads what tar wrote, and tar what encodeHeader() wrote", async () => {
  const work = await Deno.makeTempDir({ prefix: "flux-test-" });
  try {
    const tar = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("tar", { args, cwd: work }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      return new TextDecoder().decode(stdout);
    };
    const long = "n".repeat(60);
    const deep = `${long}/${long}/${"f".repeat(120)}`;
    const own = [{ path: `${long}/` }, { path: `${long}/${long}/` }, { path: deep, data: new Uint8Array(3) }, {
      path: "link",
      target: `${"t".repeat(150)}`,
    }, { path: "ümlaut", data: new Uint8Array(0) }];
    await Deno.writeFile(`${work}/own.tar`, archive(own));
    const listed = await tar("tf", "own.tar", "--quoting-style=literal");
    assertEquals(listed.trimEnd().split("\n"), own.map(({ path }) => path));
    await Deno.mkdir(`${work}/x`);
    await tar("xf", "own.tar", "-C", "x");
    for (const format of ["gnu", "pax"]) {
      await tar("cf", "theirs.tar", "-C", "x", `--format=${format}`, long, "link", "ümlaut");
      const theirs = await read(await Deno.readFile(`${work}/theirs.tar`));
      assertEquals(theirs.map(({ path }) => path), own.map(({ path }) => path));
      assertEquals(theirs.find(({ path }) => path === "link")!.target, "t".repeat(150));
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
});
