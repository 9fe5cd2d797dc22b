import { encode, encodeJson, Flag, Message, MessageType } from "../../../../broker/message/mod.ts";
import { dumpMessage, messageRecord } from "../../../../commands/render/message_dump.ts";
import { assertEquals } from "../../../assert.ts";

const request = new Message({
  type: MessageType.request,
  flags: Flag.streaming,
  userid: 1000,
  rolemask: 5,
  aux1: 3,
  aux2: 7,
  routes: ["3c4ed111", "a76a7222"],
  topic: "kvs.get",
  payload: encodeJson({ key: "k".repeat(100) }),
});

Deno.test("dumpMessage() shows the frames of a request, each with its length", () => {
  const lines = dumpMessage(request, encode(request), false).split("\n");
  assertEquals(lines, [
    "--------------------------------------",
    ">[016] |3c4ed!a76a7|",
    ">[007] kvs.get",
    `>[111] {"key":"${"k".repeat(62)}...`,
    ">[020] 8E01014B000003E8000000050000000300000007",
  ]);
  assertEquals(dumpMessage(request, encode(request), true).split("\n")[3], `>[111] {"key":"${"k".repeat(100)}"}`);
});

Deno.test("dumpMessage() marks responses, events and control messages, and shows bytes that are no text in hexadecimal", () => {
  const show = (message: Message) => dumpMessage(message, encode(message), false).split("\n").slice(1, -1);
  const payload = new Uint8Array([0xff, 0x00, 0x10]);
  assertEquals(show(new Message({ type: MessageType.response, topic: "a.b", payload })), [
    "<[000] ||",
    "<[003] a.b",
    "<[003] ff0010",
  ]);
  assertEquals(show(new Message({ type: MessageType.event, topic: "hb" })), ["e[002] hb"]);
  assertEquals(show(new Message({ type: MessageType.control })), ["k[000] ||"]);
});

Deno.test("messageRecord() is the same as data", () => {
  assertEquals(messageRecord(request), {
    type: "request",
    topic: "kvs.get",
    nodeid: 3,
    matchtag: 7,
    flags: ["streaming"],
    userid: 1000,
    rolemask: 5,
    routes: ["3c4ed111", "a76a7222"],
    size: 111,
    payload: { key: "k".repeat(100) },
  });
  const event = new Message({ type: MessageType.event, aux1: 4, topic: "hb" });
  assertEquals(
    Object.keys(messageRecord(event)).join(" "),
    "type topic sequence flags userid rolemask routes size payload",
  );
});
