import { once } from "node:events";
import { open, rename } from "node:fs/promises";
import { Misuse, systemCode } from "./failure.ts";
import type { Outlet } from "./world.ts";

/**
 * Writes what comes, no faster than it is taken: to a file, or to where answers go. Until it is whole the file is called `….part`, and stays so when
 * it was cut off.
 */
export async function keep(chunks: AsyncIterable<Uint8Array>, file: string | undefined, out: Outlet): Promise<void> {
  if (file === undefined) {
    for await (const chunk of chunks) if (!out.write(chunk)) await once(out, "drain");
    return;
  }
  const part = `${file}.part`;
  const handle = await open(part, "w").catch((error: unknown) => {
    throw new Misuse(`--output: ${part} cannot be written (${systemCode(error) ?? "unknown"}).`, { cause: error });
  });
  try {
    for await (const chunk of chunks) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
  await rename(part, file);
}
