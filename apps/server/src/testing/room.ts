import { accessSync, constants, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const memory = "/dev/shm";
const enough = 4 * 2 ** 30; // bytes

/**
 * Where tests put databases. In memory where there is room for them: each commit waits for the disk otherwise, which takes half of all the time and
 * proves nothing, as what is killed are processes and not machines. Tests about disks have disks of their own.
 */
export function room(): string {
  try {
    accessSync(memory, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize >= enough ? memory : tmpdir();
  } catch {
    return tmpdir(); // it is Linux's
  }
}
