import { FluxError } from "../../../../../broker/message/mod.ts";
import { Answers } from "../../../../../modules/kvs/root/answers.ts";
import { assertEquals, assertRejects } from "../../../../assert.ts";

Deno.test("Answers.once() applies a commit once, and gives the same answer to each copy", async () => {
  const answers = new Answers<number>();
  let applied = 0;
  const apply = () => Promise.resolve(++applied);
  const id = { instance: "a", number: 1, low: 1 };
  assertEquals(await Promise.all([answers.once(id, apply), answers.once(id, apply)]), [1, 1]);
  assertEquals(await answers.once({ ...id, instance: "b" }, apply), 2);
  assertEquals(await answers.once({ ...id, number: 2 }, apply), 3);
});

Deno.test("Answers.once() gives a failure again too", async () => {
  const answers = new Answers<number>();
  let applied = 0;
  const apply = () => {
    applied++;
    return Promise.reject(new FluxError("ENOSPC"));
  };
  for (let i = 0; i < 2; i++) {
    await assertRejects(answers.once({ instance: "a", number: 7, low: 7 }, apply), { errno: "ENOSPC" });
  }
  assertEquals(applied, 1);
});

Deno.test("Answers.once() refuses a copy of what its sender no longer waits for", async () => {
  const answers = new Answers<number>();
  const apply = () => Promise.resolve(0);
  await answers.once({ instance: "a", number: 1, low: 1 }, apply);
  await answers.once({ instance: "a", number: 3, low: 3 }, apply);
  await assertRejects(answers.once({ instance: "a", number: 1, low: 1 }, apply), { errno: "ECANCELED" });
  assertEquals(await answers.once({ instance: "a", number: 4, low: 3 }, apply), 0);
});

Deno.test("Answers remembers as many as are waited for, however many there were", async () => {
  const answers = new Answers<number>();
  for (let number = 1; number <= 10_000; number++) {
    const low = Math.max(1, number - 7);
    await answers.once({ instance: "a", number, low }, () => Promise.resolve(number));
  }
  assertEquals(answers.size, 8);
});
