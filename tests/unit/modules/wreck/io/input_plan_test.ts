import type { JsonObject } from "../../../../../broker/message/mod.ts";
import { InputPlan } from "../../../../../modules/wreck/io/input_plan.ts";
import { renderPath } from "../../../../../modules/wreck/io/template.ts";
import { assertEquals, assertThrows } from "../../../../assert.ts";

function plan(config?: readonly JsonObject[]): InputPlan {
  const input = config === undefined ? {} : { input: { config: [...config] } };
  return new InputPlan(7, {
    cmdline: ["/bin/cat"],
    environ: {},
    cwd: "/work",
    ntasks: 4,
    walltime: 0,
    options: {},
    ...input,
  });
}

Deno.test("all tasks read standard input unless it is said otherwise", () => {
  assertEquals([...plan().sources(3)], [["stdin", [0, 1, 2]]]);
});

Deno.test("the first line of input.config that names a task holds for it, and /dev/null is nothing", () => {
  const config = [{ src: "in", dst: "1-2" }, { src: "-", dst: "2,3" }, { src: "/dev/null", dst: "*" }];
  const made = plan(config);
  assertEquals([...made.sources(5)], [["/work/in", [1, 2]], ["stdin", [3]]]);
  assertEquals([made.sourceOf(0), made.sourceOf(1), made.sourceOf(3)], [undefined, "/work/in", "stdin"]);
  assertEquals(plan([{ src: "in", dst: "1" }]).sourceOf(0), undefined);
});

Deno.test("a file may be named after the job, the task and the program", () => {
  const made = plan([{ src: "/data/{{cmd}}.{{id}}.{{taskid}}", dst: "all" }]);
  assertEquals([...made.sources(2)], [["/data/cat.7.0", [0]], ["/data/cat.7.1", [1]]]);
});

Deno.test("renderPath() takes names without their blanks, and unknown ones for nothing", () => {
  const fields = { jobid: 7, task: 3, command: "bin/hello" };
  assertEquals(renderPath("a{{ id }}-{{{taskid}}}{{other}}.{{cmd}}", fields, undefined), "a7-3.hello");
  assertEquals(renderPath("out", fields, "/work"), "/work/out");
});

Deno.test("InputPlan refuses what is no config, and names it", () => {
  assertThrows(() => plan([{ src: "a", dst: "x-y" }]), { errno: "EINVAL", text: '"x-y" is no list of tasks' });
  assertThrows(() => plan([{ dst: "1" }]), { errno: "EINVAL" });
});
