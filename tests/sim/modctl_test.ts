import moduleCommand from "../../commands/module.ts";
import { listModules, loadModules, RanksFailed, removeModules } from "../../modules/modctl/client.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { run } from "./run_command.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const modules = ["modctl"];

/** The ranks on which a module is loaded. */
function having(session: SimSession, name: string): number[] {
  return session.brokers.flatMap(({ modules }, rank) => modules.names.includes(name) ? [rank] : []);
}

Deno.test("modctl.load loads a module on all ranks of a set, and modctl.remove removes it", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 64, seed, modules, network: { delay: { min: 0.1, max: 20 } } });
    const handle = session.handle(33);
    const done = await session.settle(loadModules(handle, { ranks: "3-40", path: "mecho" }));
    assertEquals(`${done}`, "3-40");
    assertEquals(having(session, "mecho"), Array.from({ length: 38 }, (_, i) => i + 3));
    const { mods, failures } = await session.settle(listModules(handle, { ranks: "all" }));
    assertEquals(mods.map(({ name, ranks }) => `${name} ${ranks}`), ["modctl 0-63", "mecho 3-40"]);
    assertEquals(failures, []);
    assertEquals(`${await session.settle(removeModules(handle, { ranks: "all", name: "mecho" }))}`, "3-40");
    assertEquals(having(session, "mecho"), []);
  }));

Deno.test("modctl.load on ranks of which some refuse leaves all as they were, and names those with their reasons", () =>
  forSeeds(5, async (seed) => {
    const session = await simSession({ size: 16, seed, modules });
    const handle = session.handle(5);
    await session.settle(loadModules(handle, { ranks: "2,9-10", path: "mecho" }));
    session.kill(15);
    await session.run(3000);
    const error = await session.settle(
      assertRejects(loadModules(handle, { ranks: "all", path: "mecho" }), {
        errno: "EEXIST",
        text: "ranks 2,9-10: File exists; rank 15: ",
      }),
    );
    assert(error instanceof RanksFailed);
    assertEquals(error.failures.map(({ ranks }) => ranks), ["2,9-10", "15"]);
    assertEquals(`${error.others}`, "0-1,3-8,11-14");
    assertEquals(having(session, "mecho"), [2, 9, 10]);
  }));

Deno.test("modctl.load under another name removes that again", async () => {
  const session = await simSession({ size: 3, modules });
  const handle = session.handle(0);
  await session.settle(loadModules(handle, { ranks: "1", path: "mecho", name: "echo" }));
  const again = loadModules(handle, { ranks: "all", path: "mecho", name: "echo" });
  await session.settle(assertRejects(again, { errno: "EEXIST", text: "rank 1: File exists" }));
  assertEquals([having(session, "echo"), having(session, "mecho")], [[1], []]);
  const missing = loadModules(handle, { ranks: "all", path: "nosuch" });
  await session.settle(assertRejects(missing, { errno: "ENOENT", text: /^ranks 0-2: .*not found/ }));
});

Deno.test("modctl.load goes on to its end when the caller goes away", async () => {
  const session = await simSession({ size: 8, modules, network: { delay: { min: 5, max: 5 } } });
  const handle = session.handle(6);
  loadModules(handle, { ranks: "all", path: "mecho" }).catch(() => {});
  await session.run(1);
  handle.close();
  await session.run(1000);
  assertEquals(having(session, "mecho").length, 8);
});

Deno.test("modctl.remove is ENOENT only when no rank has the module, and does not remove itself", async () => {
  const session = await simSession({ size: 4, modules });
  const handle = session.handle(3);
  const remove = (name: string) => session.settle(removeModules(handle, { ranks: "all", name }));
  await assertRejects(remove("mecho"), { errno: "ENOENT", text: "ranks 0-3: No such file or directory" });
  await session.settle(loadModules(handle, { ranks: "2", path: "mecho" }));
  assertEquals(`${await remove("mecho")}`, "2");
  await assertRejects(remove("modctl"), { errno: "EINVAL", text: "modctl: cannot remove itself" });
  await assertRejects(session.settle(removeModules(handle, { ranks: "0-9", name: "x" })), {
    errno: "EINVAL",
    text: "there is no rank 4",
  });
  assertEquals(having(session, "modctl"), [0, 1, 2, 3]);
});

Deno.test("flux module --rank says in which ways ranks failed, and what became of the others", async () => {
  const session = await simSession({ size: 8, modules });
  const flux = (...words: string[]) => {
    const [name, ...rest] = words;
    return run(session, 3, moduleCommand.subcommands![name!]!, ...rest);
  };
  assertEquals(await flux("load", "-r", "1", "mecho"), { status: 0, out: "", err: "" });
  const failed = await flux("load", "-r", "all", "mecho");
  assertEquals([failed.status, failed.out], [1, ""]);
  assert(
    failed.err.endsWith(
      ": mecho: module/service name already in use\nhint: this is so on rank 1 only; rank [0,2-7] removed it again\n",
    ),
    failed.err,
  );
  assertEquals(having(session, "mecho"), [1]);
  assertEquals((await flux("load", "-r", "2-3", "mecho")).status, 0);
  assert((await flux("list", "-r", "all")).out.endsWith("[1-3]\n"));
  session.kill(7);
  await session.run(3000);
  const partly = await flux("remove", "-r", "1,7", "mecho");
  assert(/: mecho: .*\nhint: this is so on rank 7 only; rank 1 removed it\n$/.test(partly.err), partly.err);
  assertEquals(having(session, "mecho"), [2, 3]);
  const listed = await flux("list", "-r", "2,7");
  assert(listed.out.includes("mecho") && listed.err.includes("cmb.lsmod[7]: "), listed.out + listed.err);
  assertEquals(listed.status, 1);
  assertEquals((await flux("remove", "-r", "all", "nosuch")).status, 1);
  const wrong = await flux("remove", "-r", "1-9", "nosuch");
  assert(wrong.err.includes("--rank 1-9: there is no rank 8"), wrong.err);
});

Deno.test("flux module --rank without modctl says what to do, and --direct does without", async () => {
  const session = await simSession({ size: 3 });
  const load = moduleCommand.subcommands!.load!;
  const { err } = await run(session, 0, load, "-r", "all", "mecho");
  assert(err.includes("the module modctl is not loaded\nhint: flux module load modctl"), err);
  assertEquals(await run(session, 0, load, "--direct", "-r", "all", "mecho"), { status: 0, out: "", err: "" });
  assertEquals(having(session, "mecho"), [0, 1, 2]);
});
