// Hot path: asked once per new topic, and for every string of a packet.
import { isUtf8 } from "node:buffer";

/** Whether these bytes are an MQTT string: well-formed UTF-8, no surrogates, no U+0000 ([MQTT-1.5.4-1], [MQTT-1.5.4-2]). */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!; // i < end <= bytes.length
    if (byte === 0) return false;
    if (byte >= 0x80) return isUtf8(bytes.subarray(i, end)) && bytes.subarray(i, end).indexOf(0) === -1;
  }
  return true;
}

/** Whether these bytes are a topic name: a string of one character or more without wildcards ([MQTT-3.3.2-2], [MQTT-4.7.3-1]). */
export function isTopicName(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!; // i < end <= bytes.length
    if (byte === 0x2b || byte === 0x23) return false;
  }
  return isText(bytes, start, end);
}
