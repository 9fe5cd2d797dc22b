import { systemFiles } from "../../../broker/ports/mod.ts";
import { assertEquals, assertRejects } from "../../assert.ts";

Deno.test("systemFiles writes and reads, and says what is wrong with a path", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/file`;
    const writer = await systemFiles.create(path);
    await writer.write(new TextEncoder().encode("some text"));
    writer.close();
    const reader = await systemFiles.open(path);
    const text = new TextDecoder();
    const read = async () => text.decode(await reader.read(6));
    assertEquals([await read(), await read(), await reader.read(6)], ["some t", "ext", undefined]);
    reader.close();
    const none = `${directory}/none/x`;
    await assertRejects(systemFiles.open(none), { errno: "ENOENT", text: `${none}: No such file or directory` });
    await assertRejects(systemFiles.create(none), { errno: "ENOENT" });
    await assertRejects(systemFiles.open(directory), { errno: "EISDIR" });
    await assertRejects(systemFiles.open("/a\0b"), { errno: "EINVAL", text: "NUL" });
    await assertRejects(systemFiles.create("/a\0b"), { errno: "EINVAL", text: "NUL" });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
