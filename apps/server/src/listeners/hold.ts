import type { Socket } from "node:net";

const mostAhead = 16_384; // bytes: more than any ClientHello; the rest waits in the kernel

/** Has a connection wait, and notices when it goes. What it said meanwhile is there to be read after the returned function was called. */
export function hold(socket: Socket): () => void {
  const parts: Buffer[] = [];
  let size = 0;
  const keep = (part: Buffer) => {
    parts.push(part);
    size += part.length;
    if (size >= mostAhead) socket.pause();
  };
  const hangUp = () => socket.destroy(); // a reset is as good as an end
  socket.on("data", keep).on("end", hangUp).on("error", hangUp);
  return () => {
    socket.off("data", keep).off("end", hangUp).off("error", hangUp).pause();
    if (size > 0) socket.unshift(Buffer.concat(parts));
  };
}
