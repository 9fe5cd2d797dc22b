import { FluxError } from "../../../broker/message/mod.ts";
import { frontEnd } from "../../../commands/front_end.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeSurroundings } from "./fake_surroundings.ts";

async function flux(words: string[], around = new FakeSurroundings({ HOME: "/h" })) {
  const status = await frontEnd(words, around);
  return { status, out: around.out, err: around.err };
}

/** A directory with external commands `flux-hello` and `flux-ping`. */
function execPath(): { path: string } & Disposable {
  const path = Deno.makeTempDirSync();
  for (const name of ["flux-hello", "flux-version"]) {
    Deno.writeTextFileSync(`${path}/${name}`, "#!/bin/sh\n", { mode: 0o755 });
  }
  Deno.writeTextFileSync(`${path}/flux-notes`, "not a program", { mode: 0o644 });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** The program the front end became, given these words. */
async function became(words: string[], around: FakeSurroundings): Promise<readonly string[] | undefined> {
  await frontEnd(words, around);
  return around.program;
}

Deno.test("flux without a command lists the commands on standard error and fails", async () => {
  const { status, out, err } = await flux([]);
  assertEquals([status, out], [1, ""]);
  assert(err.startsWith("Usage: flux [OPTIONS] COMMAND ARGS\n  -h, --help "), err);
  assert(/\n\nOther:\n {3}/.test(err), err);
  assert(/\n {3}version {12}Print versions/.test(err), err);
});

Deno.test("flux -h lists the commands on standard output", async () => {
  const { status, out, err } = await flux(["-h"]);
  assertEquals([status, err], [0, ""]);
  assert(out.includes("\n   version "), out);
  assert(!out.includes("__complete"), out);
});

Deno.test("flux -h COMMAND is the help of the command", async () => {
  const { status, out } = await flux(["-h", "version"]);
  assertEquals(status, 0);
  assert(out.startsWith("Usage: flux-version [OPTIONS]\n"), out);
});

Deno.test("flux names an unknown option and the nearest one", async () => {
  assertEquals(await flux(["--verbos", "version"]), {
    status: 1,
    out: "",
    err:
      "flux: unrecognized option '--verbos'\nTry `flux --help' for more information.\nhint: did you mean '--verbose'?\n",
  });
});

Deno.test("flux names an unknown command and the nearest one", async () => {
  assertEquals(await flux(["versoin"]), {
    status: 1,
    out: "",
    err: "flux: `versoin' is not a flux command.  See 'flux --help'\nhint: did you mean 'version'?\n",
  });
});

Deno.test("flux leaves out the hint where nothing is near", async () => {
  assertEquals((await flux(["frobnicate"])).err, "flux: `frobnicate' is not a flux command.  See 'flux --help'\n");
});

Deno.test("flux exports what its options say", async () => {
  const around = new FakeSurroundings({ HOME: "/h", FLUX_EXEC_PATH: "/u" });
  await flux(["-u", "local:///a", "-c/c", "-S/s", "-t", "-x/x", "-h"], around);
  assertEquals(around.variables, {
    HOME: "/h",
    FLUX_URI: "local:///a",
    FLUX_CONF_DIRECTORY: "/c",
    FLUX_SEC_DIRECTORY: "/s",
    FLUX_HANDLE_TRACE: "1",
    FLUX_EXEC_PATH: "/x:/u",
  });
});

Deno.test("flux runs an external command from FLUX_EXEC_PATH with its words", async () => {
  using directory = execPath();
  const around = new FakeSurroundings({ FLUX_EXEC_PATH: `/nowhere:${directory.path}` });
  assertEquals(await became(["hello", "-v", "x"], around), [`${directory.path}/flux-hello`, "-v", "x"]);
});

Deno.test("flux --exec-path comes before FLUX_EXEC_PATH", async () => {
  using first = execPath();
  using second = execPath();
  const around = new FakeSurroundings({ FLUX_EXEC_PATH: second.path });
  assertEquals(await became(["-x", first.path, "hello"], around), [`${first.path}/flux-hello`]);
});

Deno.test("flux runs a command with a slash as a path", async () => {
  assertEquals(await became(["./tool", "a"], new FakeSurroundings()), ["./tool", "a"]);
});

Deno.test("flux tells why a path cannot be run", async () => {
  const around = new FakeSurroundings();
  around.failures["./tool"] = new FluxError("ENOENT");
  assertEquals((await flux(["./tool"], around)).err, "flux: ./tool: No such file or directory\n");
});

Deno.test("flux tells why an external command cannot be run", async () => {
  using directory = execPath();
  const around = new FakeSurroundings({ FLUX_EXEC_PATH: directory.path });
  around.failures[`${directory.path}/flux-hello`] = new FluxError("EACCES");
  assertEquals((await flux(["hello"], around)).err, `flux: ${directory.path}/flux-hello: Permission denied\n`);
});

Deno.test("flux takes no file that is not executable for a command", async () => {
  using directory = execPath();
  const { err } = await flux(["notes"], new FakeSurroundings({ FLUX_EXEC_PATH: directory.path }));
  assertEquals(err.split("\n")[0], "flux: `notes' is not a flux command.  See 'flux --help'");
});

Deno.test("an external command never takes the place of a built-in one", async () => {
  using directory = execPath();
  const around = new FakeSurroundings({ FLUX_EXEC_PATH: directory.path });
  const { status, out } = await flux(["version", "--help"], around);
  assertEquals(status, 0);
  assert(out.startsWith("Usage: flux-version"), out);
});

Deno.test("flux -h lists external commands, except those a built-in one hides", async () => {
  using directory = execPath();
  const { out } = await flux(["-h"], new FakeSurroundings({ FLUX_EXEC_PATH: directory.path }));
  assert(out.includes("External commands (FLUX_EXEC_PATH):\n   hello\n\n"), out);
});

Deno.test("flux suggests external commands too", async () => {
  using directory = execPath();
  const { err } = await flux(["hallo"], new FakeSurroundings({ FLUX_EXEC_PATH: directory.path }));
  assertEquals(err.split("\n")[1], "hint: did you mean 'hello'?");
});

Deno.test("flux -v shows the environment and where it looks", async () => {
  const around = new FakeSurroundings({ HOME: "/h", FLUX_EXEC_PATH: "/nowhere" });
  assertEquals(
    (await flux(["-v", "zzzzzz"], around)).err,
    [
      " FLUX_CONF_DIRECTORY=/h/.flux",
      "      FLUX_EXEC_PATH=/nowhere",
      "  FLUX_SEC_DIRECTORY=/h/.flux",
      "flux: trying to exec /nowhere/flux-zzzzzz",
      "flux: `zzzzzz' is not a flux command.  See 'flux --help'",
      "",
    ].join("\n"),
  );
});

Deno.test("flux ends quietly with 141 when the reader of its help is gone", async () => {
  const around = new FakeSurroundings();
  around.refusal = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  assertEquals(await flux(["-h"], around), { status: 141, out: "", err: "" });
});
