import { encode, Flag, type Message, MessageType } from "../../../broker/message/mod.ts";
import { assert, assertEquals } from "../../assert.ts";
import { captureNames, messagesOf, parseCapture, readCapture, type Spoken } from "../../captures.ts";

const KIND = { REQ: MessageType.request, RSP: MessageType.response, EVT: MessageType.event };
const FLAGS = {
  T: Flag.topic,
  P: Flag.payload,
  R: Flag.route,
  NORSP: Flag.noresponse,
  UP: Flag.upstream,
  PRIV: Flag.private,
  STREAM: Flag.streaming,
};
const FIRST = { REQ: "nodeid", RSP: "errnum", EVT: "seq" };
const SECOND = { REQ: "tag", RSP: "tag", EVT: "aux2" };

/** Every message of every capture with the place it stands at. */
function everything(): { where: string; spoken: Spoken }[] {
  return captureNames().flatMap((name) =>
    messagesOf(readCapture(name)).map((spoken) => ({ where: `${name}.txt:${spoken.line}`, spoken }))
  );
}

function whole(): { where: string; spoken: Spoken; bytes: Uint8Array; message: Message }[] {
  return everything().flatMap(({ where, spoken }) =>
    spoken.bytes && spoken.message ? [{ where, spoken, bytes: spoken.bytes, message: spoken.message }] : []
  );
}

Deno.test("the captures hold 652 whole messages, and 7 whose bytes are withheld", () => {
  const all = everything();
  assertEquals(captureNames().length, 133);
  assertEquals(all.length, 659);
  assertEquals(whole().length, 652);
  const withheld = all.filter(({ spoken }) => !spoken.bytes).map(({ spoken }) => spoken.printed.topic);
  assertEquals(withheld, Array(7).fill("rexec.exec"));
});

Deno.test("encode() of each decoded message of the captures gives its bytes back", () => {
  for (const { where, bytes, message } of whole()) assertEquals(encode(message), bytes, where);
});

Deno.test("decode() of each message of the captures finds the fields that the capture prints", () => {
  for (const { where, bytes, message, spoken: { printed } } of whole()) {
    const number = (value: string) => value === "ANY" || value === "?" ? 0xffffffff : Number(value);
    assertEquals(message.type, KIND[printed.kind], where);
    assertEquals(message.topic, printed.topic, where);
    assertEquals(message.userid, number(printed.uid), where);
    assertEquals(message.rolemask, printed.role, where);
    assertEquals([...message.routes].reverse(), printed.routes, where);
    assertEquals(printed.first, [FIRST[printed.kind], printed.first[1]], where);
    assertEquals(message.aux1, number(printed.first[1]), where);
    assertEquals(printed.second, [SECOND[printed.kind], printed.second[1]], where);
    assertEquals(message.aux2, number(printed.second[1]), where);

    let flags = 0;
    for (const letter of printed.flags) {
      assert(letter in FLAGS, `${where}: flag ${letter}`);
      flags |= FLAGS[letter as keyof typeof FLAGS];
    }
    assertEquals(bytes.at(-17), flags, `${where}: flags on the wire`);
    const framing = Flag.topic | Flag.payload | Flag.route;
    assertEquals(message.flags, flags & ~framing, where);
    assertEquals(payloadAsPrinted(message.payload), printed.payload, where);
  }
});

Deno.test("the captures exercise long frames, route ids, every flag letter and each kind of message", () => {
  const messages = whole();
  assert(messages.some(({ message }) => (message.payload?.length ?? 0) >= 255), "a frame of 255 bytes or more");
  assert(messages.some(({ message }) => message.routes.length === 2), "two routes");
  const letters = new Set(messages.flatMap(({ spoken }) => spoken.printed.flags));
  assertEquals([...letters].sort(), Object.keys(FLAGS).sort());
  assertEquals(new Set(messages.map(({ message }) => message.type)), new Set(Object.values(KIND)));
});

Deno.test("parseCapture() refuses a HEX line that is shorter than its header says", () => {
  const text = Deno.readTextFileSync(new URL("../../captures/ping.txt", import.meta.url));
  const cut = text.replace(/^( {3}HEX [0-9a-f]+)[0-9a-f]{2}$/m, "$1");
  assert(cut !== text);
  let message = "";
  try {
    parseCapture("ping", cut);
  } catch (error) {
    message = String(error);
  }
  assert(message.includes("ping.txt:6: HEX has 96 bytes, HDR says 97"), message);
});

/** Text with `\0` for its NUL, or the bytes. */
function payloadAsPrinted(payload: Uint8Array | undefined): string {
  if (!payload) return "";
  if (payload.at(-1) === 0) return new TextDecoder().decode(payload.subarray(0, -1)) + "\\0";
  return `<raw ${payload.length}> ${payload.toHex()}`;
}
