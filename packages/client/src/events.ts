/** One server-sent event. */
export type ServerEvent = { readonly type: string; readonly id?: string; readonly data: string };

/** Longest line and largest event, in characters. What is longer is not ours. */
const most = 4 * 1024 * 1024;

/**
 * Reads `text/event-stream` (WHATWG HTML, 9.2.6). An event that the stream's end cut short is dropped, as the standard
 * says; `retry` is left to whoever reconnects.
 * @throws RangeError for a stream that never ends a line or an event
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let type = "";
  let id: string | undefined;
  let data: string[] = [];
  let size = 0;
  for await (const line of readLines(body)) {
    if (line === "") {
      if (data.length > 0)
        yield { type: type || "message", ...(id === undefined ? {} : { id }), data: data.join("\n") };
      type = "";
      data = [];
      size = 0;
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") type = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value; // stays for the events after it
    size += line.length;
    if (size > most) throw new RangeError("An event of the stream is too large.");
  }
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // drops a byte order mark at the start, as the standard wants
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A carriage return at the end may be half of CRLF: it waits for what comes next.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    if (rest.length > most) throw new RangeError("A line of the stream is too long.");
    yield* lines;
  }
  // What is left is an unfinished line, unless it waits for the other half of its ending.
  if (rest.endsWith("\r")) yield rest.slice(0, -1);
}
