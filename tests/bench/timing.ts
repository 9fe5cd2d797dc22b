/** Taking times: one after the other, or many under way at once. */

/** Microseconds each of `count` calls took, after a tenth of that many that do not count. */
export async function serial(count: number, call: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < count / 10; i++) await call();
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await call();
    samples.push((performance.now() - start) * 1000);
  }
  return samples;
}

/** Makes `count` calls, `width` at a time under way; resolves when all are done. */
export async function pipelined(count: number, width: number, call: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** How many a second, of `count` done by `work`. */
export async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return count * 1000 / (performance.now() - start);
}
