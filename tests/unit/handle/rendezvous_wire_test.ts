import fc from "fast-check";
import type { Parcel } from "../../../broker/handle/rendezvous.ts";
import { decodeAnswer, decodeParcel, encodeAnswer, encodeParcel } from "../../../broker/handle/rendezvous_wire.ts";
import { encodeJson, pack } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const batch = fc.record({
  rank: fc.nat(5000),
  instance: fc.uuid(),
  number: fc.nat(),
  open: fc.array(fc.nat(), { maxLength: 3 }),
  count: fc.nat(64),
  bodies: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }),
  withdrawn: fc.string(),
}, { requiredKeys: ["rank", "instance", "number", "open", "count", "bodies"] });

const parcel: fc.Arbitrary<Parcel> = fc.record({
  terms: fc.record({
    name: fc.string(),
    scope: fc.string(),
    nprocs: fc.nat(),
    ranks: fc.constantFrom("0-3", "7"),
    agreed: fc.record({ namespace: fc.string(), flags: fc.nat() }),
  }, { requiredKeys: ["name", "scope", "nprocs"] }),
  patience: fc.record({ whole: fc.nat(), left: fc.nat() }),
  batches: fc.array(batch, { minLength: 1, maxLength: 5 }),
}, { requiredKeys: ["terms", "batches"] });

Deno.test("decodeParcel() reads what encodeParcel() wrote", () => {
  check(fc.property(parcel, (value) => {
    const plain = (parcel: Parcel) =>
      JSON.parse(JSON.stringify(parcel, (_, v) => v instanceof Uint8Array ? [...v] : v));
    assertEquals(plain(decodeParcel(encodeParcel(value))), plain(value));
  }));
});

Deno.test("decodeParcel() throws EPROTO for what is no parcel", () => {
  const terms = { name: "x", scope: "s", nprocs: 1 };
  const whole = [1, "i", 1, [], 1, 0];
  for (
    const head of [
      {},
      { ...terms, batches: [] },
      { ...terms, batches: [[]] },
      { ...terms, batches: [[1, "i", 1, [], 1, 1]] },
      { ...terms, batches: [[1, 2, 1, [], 1, 0]] },
      { ...terms, batches: [[-1, "i", 1, [], 1, 0]] },
      { ...terms, batches: [whole], wait: 3 },
      { ...terms, batches: [whole], agreed: 1 },
      { batches: [whole] },
    ]
  ) {
    assertThrows(() => decodeParcel(pack([encodeJson(head)])), { errno: "EPROTO" });
  }
  assertThrows(() => decodeParcel(pack([encodeJson({ ...terms, batches: [whole] }), new Uint8Array(1)])), {
    errno: "EPROTO",
  });
  assertThrows(() => decodeParcel(undefined), { errno: "EPROTO" });
});

Deno.test("decodeAnswer() reads what encodeAnswer() wrote", () => {
  for (
    const answer of [
      { outcome: { errnum: 0 } },
      { outcome: { errnum: 0, value: { rootseq: 3 } } },
      { outcome: { errnum: 103, text: "gone" }, of: ["1/i/2"] },
    ]
  ) assertEquals(decodeAnswer(encodeAnswer(answer)), answer);
  assertThrows(() => decodeAnswer(encodeJson({})), { errno: "EPROTO" });
});
