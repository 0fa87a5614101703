import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const megabyte = 2 ** 20;

/** A small disk of a test's own, in memory, and something that fills it. Needs root. */
export class Disk {
  readonly folder: string;
  readonly #place: string;
  readonly #ballast: string;

  private constructor(place: string) {
    this.#place = place;
    this.folder = path.join(place, "disk");
    this.#ballast = path.join(this.folder, "ballast");
  }

  /** Answers why there is none to be had, in a sentence, where it may not be made here. */
  static make(megabytes: number): Disk | string {
    if (process.getuid?.() !== 0) return "only root may mount a small disk to fill";
    const disk = new Disk(mkdtempSync(path.join(tmpdir(), "holdfast-disk-")));
    chmodSync(disk.#place, 0o755);
    mkdirSync(disk.folder);
    const { status, stderr, error } = run(
      "mount",
      "-t",
      "tmpfs",
      "-o",
      `size=${megabytes}m,mode=755`,
      "holdfast",
      disk.folder,
    );
    if (status === 0) return disk;
    rmSync(disk.#place, { recursive: true });
    return `no small disk can be mounted here to be filled: ${error?.message ?? stderr.trim()}`;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Fills it until so many megabytes are free; at 0 to the last block. */
  fillTo(megabytes: number): void {
    this.free();
    const room = this.freeBytes - megabytes * megabyte;
    const { status, stderr } = run("fallocate", "-l", String(room), this.#ballast);
    if (status !== 0 && megabytes > 0) throw new Error(`the disk could not be filled: ${stderr}`);
    // What was freed or taken meanwhile: whoever writes competes with us for the last blocks.
    if (megabytes === 0) run("sh", "-c", `dd if=/dev/zero of=${this.#ballast}.rest bs=4096 2>/dev/null`);
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
    rmSync(`${this.#ballast}.rest`, { force: true });
  }

  close(): void {
    const { status, stderr } = run("umount", this.folder);
    if (status !== 0) throw new Error(`the disk could not be unmounted: ${stderr}`);
    rmSync(this.#place, { recursive: true });
  }
}

const run = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: "utf8" });
