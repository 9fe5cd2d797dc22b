import type { JobSpec } from "../../../../../modules/wreck/protocol.ts";
import { OutputFiles } from "../../../../../modules/wreck/io/output_files.ts";
import { assertEquals, assertRejects } from "../../../../assert.ts";
import { SimFiles } from "../../../../sim/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function opened(output: JobSpec["output"]): { files: SimFiles; out: OutputFiles } {
  const files = new SimFiles();
  const spec = {
    cmdline: ["prog"],
    environ: {},
    cwd: "/w",
    ntasks: 2,
    walltime: 0,
    options: {},
    ...(output && { output }),
  };
  return { files, out: new OutputFiles(3, spec, files) };
}

Deno.test("a job without output files has none", () => {
  const { out } = opened(undefined);
  assertEquals([out.has("stdout"), out.has("stderr")], [false, false]);
});

Deno.test("standard error goes with standard output, unless it has a file of its own", async () => {
  const { files, out } = opened({ files: { stdout: "{{cmd}}.{{id}}" } });
  await out.write(0, "stdout", bytes("a\n"));
  await out.write(1, "stderr", bytes("b\n"));
  await out.close();
  assertEquals([files.texts, files.busy.size], [{ "/w/prog.3": "a\nb\n" }, 0]);
  const own = opened({ files: { stderr: "/tmp/err" } });
  assertEquals([own.out.has("stdout"), own.out.has("stderr")], [false, true]);
});

Deno.test("the file of a task alone is closed when its streams have ended, and kept", async () => {
  const { files, out } = opened({ files: { stdout: "o.{{taskid}}" } });
  await out.begin();
  await out.write(0, "stdout", bytes("a\n"));
  await out.end(0, "stdout");
  await out.write(0, "stderr", bytes("b\n"));
  assertEquals([...files.busy], ["/w/o.0"]);
  await out.end(0, "stderr");
  await out.write(1, "stdout", bytes("c\n"));
  assertEquals([...files.busy], ["/w/o.1"]);
  await out.close();
  assertEquals([files.texts, files.busy.size], [{ "/w/o.0": "a\nb\n", "/w/o.1": "c\n" }, 0]);
});

Deno.test("lines have the number of their task in front, however they come", async () => {
  const { files, out } = opened({ files: { stdout: "all" }, labelio: true });
  for (const piece of ["a\nb", "c\n", "d"]) await out.write(1, "stdout", bytes(piece));
  await out.write(0, "stdout", bytes("\n"));
  assertEquals(files.texts["/w/all"], "1: a\n1: bc\n1: d0: \n");
});

Deno.test("a file that cannot be made is known before the job starts", async () => {
  const { out } = opened({ files: { stdout: "/none/x" } });
  await assertRejects(out.begin(), { errno: "ENOENT", text: "/none/x: No such file or directory" });
});
