import { findModule, type ModuleSource } from "../../../broker/service/module_source.ts";
import { sha1Hex } from "../../../broker/service/sha1.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";

const FIXTURES = new URL("../../fixtures/modules", import.meta.url).pathname;

const find = (word: string, searchPath = FIXTURES): Promise<ModuleSource> =>
  findModule(word, {
    builtins: { inner: { needs: ["outer"], load: () => Promise.resolve({ default: { name: "inner", start() {} } }) } },
    version: "1.2.3",
    searchPath: () => searchPath,
  });

/** Runs `body` with the path of a file that has this text. */
async function withFile(name: string, text: string, body: (path: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "flux-test-" });
  try {
    await Deno.writeTextFile(`${directory}/${name}`, text);
    await body(`${directory}/${name}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("findModule() finds a built-in module first, with a digest of its name and version", async () => {
  const source = await find("inner");
  const digest = sha1Hex(new TextEncoder().encode("inner 1.2.3"));
  assertEquals({ ...source, module: source.module.name }, {
    module: "inner",
    path: "builtin",
    size: 0,
    digest,
    needs: ["outer"],
  });
});

Deno.test("findModule() finds a file by its name in the search path, and tells its size and digest", async () => {
  const bytes = await Deno.readFile(`${FIXTURES}/counter.js`);
  const source = await find("counter", `/nonexistent::${FIXTURES}`);
  assertEquals([source.module.name, source.path, source.size, source.digest], [
    "counter",
    `${FIXTURES}/counter.js`,
    bytes.length,
    sha1Hex(bytes),
  ]);
});

Deno.test("findModule() takes a module in TypeScript, and a path that is relative", async () => {
  assertEquals((await find("typed")).module.name, "typed");
  const relative = `./${FIXTURES.slice(Deno.cwd().length + 1)}/../modules/counter.js`;
  assertEquals((await find(relative, "")).path, `${FIXTURES}/counter.js`);
});

Deno.test("findModule() loads a file anew when it has changed", () =>
  withFile("changing.js", "export default { name: 'before', start() {} }", async (path) => {
    assertEquals((await find(path)).module.name, "before");
    await Deno.writeTextFile(path, "export default { name: 'after', start() {} }");
    assertEquals((await find(path)).module.name, "after");
  }));

Deno.test("findModule() loads a file whose path has spaces, percent signs and question marks", () =>
  withFile("a b%20c?d#e.js", "export default { name: 'odd', start() {} }", async (path) => {
    const source = await find(path);
    assertEquals([source.module.name, source.path], ["odd", path]);
  }));

Deno.test("findModule() refuses a name that is nowhere and a file that is not there", async () => {
  await assertRejects(find("absent"), { errno: "ENOENT", text: /^module not found in search path$/ });
  await assertRejects(find("counter", ""), { errno: "ENOENT", text: /^module not found in search path$/ });
  await assertRejects(find("/absent/file.js"), { errno: "ENOENT", text: "/absent/file.js: No such file or directory" });
  await assertRejects(find("constructor"), { errno: "ENOENT" });
});

Deno.test("findModule() says what is wrong with a file, and where", async () => {
  await assertRejects(find(`${FIXTURES}/counter.so`), { errno: "EINVAL", text: "a file that ends in .js, .mjs, .ts" });
  await assertRejects(find("nothing"), { errno: "EINVAL", text: "there is no default export" });
  await assertRejects(find("shapeless"), { errno: "EINVAL", text: "the default export is no module" });
  await withFile("broken.js", "export default {\n  start( {},\n};\n", async (path) => {
    const error = await assertRejects(find(path), { errno: "EINVAL" });
    assert(error.message.startsWith(`${path}:3:1: cannot be loaded: SyntaxError`), error.message);
    assert(!error.message.includes("\n"), error.message);
  });
  await withFile("throws.js", "const a = 1;\nthrow new Error('no luck');\n", async (path) => {
    await assertRejects(find(path), { errno: "EINVAL", text: `${path}:2:7: cannot be loaded: no luck` });
  });
});
