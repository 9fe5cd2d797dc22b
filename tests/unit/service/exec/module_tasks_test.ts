import type { HostedTask, ModuleContext, TaskNews, TaskStart } from "../../../../broker/handle/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "../../../assert.ts";
import { moduleWorld } from "../module_world.ts";

const text = (news: TaskNews) =>
  news.type === "output" ? `${news.stream} ${news.bytes ? new TextDecoder().decode(news.bytes) : "end"}` : news.type;

/** A broker with a module that starts tasks, and what it hears of them. */
async function world() {
  const around = await moduleWorld();
  let ports!: ModuleContext["ports"];
  await around.load({ name: "starter", start: (context) => void (ports = context.ports) });
  const heard: string[] = [];
  const start = (task: Pick<TaskStart, "argv"> & Partial<TaskStart>): HostedTask =>
    ports.tasks.start({ env: {}, input: false, wholeLines: true, hear: (news) => heard.push(text(news)), ...task });
  const { launcher } = around.session.brokers[0]!;
  return { ...around, start, heard, launcher };
}

Deno.test("a module's task is listed while it runs, and tells of itself", async () => {
  const { session, start, heard, launcher } = await world();
  const task = start({ argv: ["echo", "hi"] });
  assertEquals(launcher.list.all.map(({ command }) => command.argv), [["echo", "hi"]]);
  await session.settle(task.done);
  assertEquals(heard.sort(), ["finished", "started", "stderr end", "stdout end", "stdout hi\n"]);
  assertEquals(launcher.list.all, []);
});

Deno.test("a module writes to its task, within the credit that it is told", async () => {
  const { session, start, heard } = await world();
  const task = start({ argv: ["cat"], input: true });
  task.write("stdin", new TextEncoder().encode("one\n"));
  task.end("stdin");
  await session.settle(task.done);
  assertEquals(heard.filter((line) => line === "stdout one\n" || line === "add-credit").length, 3);
});

Deno.test("a module's task without credit is not read, until more is granted", async () => {
  const { session, start, heard } = await world();
  const task = start({ argv: ["echo", "12345"], credit: 0 });
  await session.run(100);
  assertEquals(heard, ["started", "finished"]);
  task.grant("stdout", 10);
  task.grant("stderr", 1);
  await session.settle(task.done);
  assertEquals(heard.slice(2).sort(), ["stderr end", "stdout 12345\n", "stdout end"]);
});

Deno.test("a module learns why its task cannot be started", async () => {
  const { session, start } = await world();
  const task = start({ argv: ["nosuch"] });
  await assertRejects(session.settle(task.done), { errno: "ENOENT", text: "nosuch: No such file or directory" });
  assertThrows(() => start({ argv: [] }), { errno: "EINVAL" });
  assertThrows(() => task.signal(15), { errno: "ESRCH" });
});

Deno.test("a module's tasks are killed when it is unloaded, and when it throws on hearing of one", async () => {
  const { session, start, remove, errors } = await world();
  start({ argv: ["stubborn"] });
  await session.until(() => session.spawners[0]!.running.size === 1);
  await remove("starter");
  assertEquals(session.spawners[0]!.running.size, 0);
  const other = await world();
  other.start({
    argv: ["stubborn"],
    hear() {
      throw new TypeError("mistaken");
    },
  });
  await other.session.until(() => other.errors().length > 0);
  await other.session.until(() => other.launcher.list.all.length === 0);
  assertEquals(errors(), []);
});
