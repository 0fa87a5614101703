import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";

/** CPU seconds, user and system. */
export type Cpu = { readonly ours: number; readonly database: number };

export type Cost<T> = { readonly seconds: number; readonly cpu: Cpu; readonly result: T };

/** What some work takes of this process, loader included, and of the whole of PostgreSQL with its background processes. */
export async function costOf<T>(pidFile: string, work: () => Promise<T>): Promise<Cost<T>> {
  const before = cpuNow(pidFile);
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1_000;
  const after = cpuNow(pidFile);
  const cpu = { ours: after.ours - before.ours, database: after.database - before.database };
  return { seconds, cpu, result };
}

function cpuNow(pidFile: string): Cpu {
  const { user, system } = process.cpuUsage();
  return { ours: (user + system) / 1e6, database: databaseCpu(Number(readFileSync(pidFile, "utf8").split("\n")[0])) };
}

/**
 * The postmaster, its children that live, and those that it has seen end. proc(5): after the name, which may hold blanks, the
 * fields are state, ppid (4th of all), …, utime, stime, cutime, cstime (14th to 17th), in ticks of 10 ms. NaN where there is no /proc.
 */
export function databaseCpu(postmaster: number): number {
  let ticks = 0;
  let processes: string[];
  try {
    processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return Number.NaN;
  }
  for (const pid of processes) {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      continue; // it ended meanwhile: the postmaster has its time
    }
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    if (Number(pid) === postmaster) ticks += utime + stime + cutime + cstime;
    else if (fields[1] === postmaster) ticks += utime + stime;
  }
  return ticks / 100;
}

export const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Of sorted or unsorted numbers, the one that `part` of them are below. */
export const quantile = (numbers: Float64Array, part: number): number =>
  numbers.toSorted()[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;

/** Milliseconds that one write of 8 KiB takes to be on disk in this folder, the median of 64: what an acknowledgement waits for at least. */
export function flushTime(folder: string): number {
  const file = `${folder}/flush`;
  const opened = openSync(file, "w");
  try {
    const page = Buffer.alloc(8_192, 1);
    return median(
      Array.from({ length: 64 }, () => {
        const began = performance.now();
        writeSync(opened, page);
        fdatasyncSync(opened);
        return performance.now() - began;
      }),
    );
  } finally {
    closeSync(opened);
    rmSync(file);
  }
}
