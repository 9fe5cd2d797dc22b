import { assert, assertEquals } from "../../assert.ts";
import { elfLength, elfMachine } from "../../../scripts/denort.ts";
import { bundle, hideImports } from "../../../scripts/pack/bundle.ts";
import { concat, gzip, sha256 } from "../../../scripts/pack/bytes.ts";
import { selfExtracting } from "../../../scripts/pack/self_extracting.ts";
import { tarEnd, tarEntry } from "../../../scripts/pack/tar.ts";
import { parseVersions, pin } from "../../../scripts/pack/versions.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** An ELF-64 header with a section header table of `count` entries of 64 bytes at `at`. */
function elf(at: number, count: number, machine: number): Uint8Array {
  const file = new Uint8Array(at + count * 64 + 100);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(file.buffer);
  view.setUint16(0x12, machine, true);
  view.setBigUint64(0x28, BigInt(at), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, count, true);
  return file;
}

/** A temporary directory that is removed at the end of its block. */
async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("elfLength() is where the section header table ends", () => {
  assertEquals(elfLength(elf(1000, 3, 62)), 1192);
  assertEquals(elfMachine(elf(1000, 3, 183)), 183);
});

Deno.test("elfLength() refuses what is no ELF file", () => {
  let message = "";
  try {
    elfLength(new Uint8Array(100));
  } catch (error) {
    message = (error as Error).message;
  }
  assertEquals(message, "not a little-endian 64-bit ELF file");
});

Deno.test("tarEntry() makes an archive that tar reads", async () => {
  await using work = await scratch();
  const big = new Uint8Array(1025).fill(7);
  const archive = concat([
    tarEntry({ name: "flux", data: bytes("#!"), executable: true }),
    tarEntry({ name: "b", data: big }),
    tarEnd(),
  ]);
  await Deno.writeFile(`${work.path}/x.tar`, archive);
  const { success } = await new Deno.Command("tar", { args: ["-xf", "x.tar"], cwd: work.path }).output();
  assert(success);
  assertEquals(await Deno.readTextFile(`${work.path}/flux`), "#!");
  assertEquals((await Deno.stat(`${work.path}/flux`)).mode! & 0o111, 0o111);
  assertEquals(await Deno.readFile(`${work.path}/b`), big);
  assertEquals((await Deno.stat(`${work.path}/b`)).mode! & 0o111, 0);
});

Deno.test("hideImports() hides lazy imports of chunks and nothing else", () => {
  assertEquals(
    hideImports('a=()=>import("./x-AB.js"),import("node:fs")'),
    'a=()=>import((0,"./x-AB.js")),import("node:fs")',
  );
});

Deno.test("bundle() makes a chunk of each lazy import, without an empty file, main.js first", async () => {
  await using work = await scratch();
  await Deno.writeTextFile(
    `${work.path}/main.ts`,
    'console.log(typeof FLUX_FORM, FLUX_FORM);\nawait import("./late.ts");\n',
  );
  await Deno.writeTextFile(`${work.path}/late.ts`, "export type Nothing = never;\n");
  const files = await bundle({
    entry: `${work.path}/main.ts`,
    manual: work.path,
    form: "test",
    head: "/*head*/",
    hideImports: true,
  });
  assertEquals(files.map((file) => file.name.replace(/-.*/, "")), ["main.js", "late"]);
  const [main, late] = files.map((file) => new TextDecoder().decode(file.data));
  assert(main!.startsWith("/*head*/"));
  assert(main!.includes('"test"') && main!.includes("import((0,"), main);
  assertEquals(late, "\n");
});

Deno.test("bundle() names what does not build", async () => {
  await using work = await scratch();
  await Deno.writeTextFile(`${work.path}/main.ts`, 'import "./missing.ts";\n');
  let message = "";
  try {
    await bundle({ entry: `${work.path}/main.ts`, manual: work.path, form: "test" });
  } catch (error) {
    message = (error as Error).message;
  }
  assert(message.includes('Could not resolve "./missing.ts"'), message);
});

Deno.test("selfExtracting() is the same for the same parts, and has another cache directory for any other", async () => {
  const runtime = { id: "r", data: await gzip(tarEntry({ name: "flux", data: bytes("deno") })), size: 1024 };
  const parts = {
    version: "1.2.3",
    target: "linux-x64",
    runtime,
    files: [{ name: "main.js", data: bytes("1") }],
  } as const;
  const [one, again] = [await selfExtracting(parts), await selfExtracting(parts)];
  assertEquals(await sha256(new Uint8Array(one)), await sha256(new Uint8Array(again)));
  const other = await selfExtracting({ ...parts, files: [{ name: "main.js", data: bytes("2") }] });
  const id = (file: Uint8Array) => new TextDecoder().decode(file).match(/^id=(\S+)/m)![1]!;
  assert(id(one).startsWith("1.2.3-"));
  assert(id(one) !== id(other));
});

Deno.test("selfExtracting() says in its header where both parts of the archive begin", async () => {
  const runtime = { id: "r", data: await gzip(tarEntry({ name: "flux", data: bytes("deno") })), size: 1024 };
  const file = await selfExtracting({
    version: "1.2.3",
    target: "linux-x64",
    runtime,
    files: [{ name: "main.js", data: bytes("1") }],
  });
  const text = new TextDecoder("latin1").decode(file);
  for (const name of ["runtime_at", "program_at"]) {
    const at = Number(text.match(new RegExp(`${name}=(\\d+)`))![1]) - 1;
    assertEquals([...file.subarray(at, at + 2)], [0x1f, 0x8b], name);
  }
  assert(!/@[A-Z_]+@/.test(text.slice(0, text.indexOf("exec "))), "a placeholder was left in the header");
});

Deno.test("parseVersions() reads NAME=value lines and leaves comments out", () => {
  assertEquals([...parseVersions("# A=1\nB=2.9\n\nC=@x/y@1=2\n")], [["B", "2.9"], ["C", "@x/y@1=2"]]);
});

Deno.test("pin() gives the version of Deno that runs the tests", () => {
  assertEquals(pin("DENO_VERSION"), Deno.version.deno);
});
