import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { newKeys, selfSign, signServer } from "../../apps/server/src/tls/sign.ts";

/** Where brokers are measured: one core for the server, another for us who make the load, and a certificate that all of them show. */
export type Place = {
  readonly folder: string;
  /** What a client has to trust: ECDSA over P-256, as the platform makes it. */
  readonly ca: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** How the cores were shared. */
  readonly note: string;
  /** A program on the server's core. What it complains about is ours to read where `complaints` is "pipe", and it may be told things. */
  start(program: string, args: readonly string[], complaints?: "inherit" | "pipe", more?: "ipc"): ChildProcess;
  close(): void;
};

const day = 86_400_000;

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(path.join(tmpdir(), "bench-mqtt-"));
  const now = systemClock.now();
  const valid = { notBefore: now - day, notAfter: now + day };
  const root = await selfSign(await newKeys(), { ...valid, commonName: "Benchmark" }, systemRandom);
  const names = ["localhost", "127.0.0.1"];
  const server = await signServer(root, { ...valid, commonName: "localhost", names }, systemRandom);
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const cores = shareCores();
  return {
    folder,
    ca: root.certificate,
    caFile: write("ca.pem", root.certificate),
    certFile: write("cert.pem", server.certificate),
    keyFile: write("key.pem", server.key),
    note: cores.note,
    start(program, args, complaints = "inherit", more) {
      const [command, ...all] = [...cores.before, program, ...args] as [string, ...string[]]; // the program is there
      return spawn(command, all, { stdio: ["ignore", "pipe", complaints, ...(more ? [more] : [])] });
    },
    close() {
      cores.giveBack();
      rmSync(folder, { recursive: true });
    },
  };
}

type Cores = { readonly before: readonly string[]; readonly note: string; giveBack(): void };

/** Puts this process on the second core that it may use, and what it starts on the first. */
function shareCores(): Cores {
  const apart = (note: string): Cores => ({ before: [], note, giveBack: () => {} });
  const [first, second] = allowed();
  if (first === undefined || second === undefined) return apart("There are not two cores to put server and load on.");
  const move = (cores: string): unknown => execFileSync("taskset", ["-a", "-c", "-p", cores, String(process.pid)]);
  try {
    move(String(second));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    return apart("taskset is not on this machine: server and load were not held to a core each.");
  }
  return {
    before: ["taskset", "-c", String(first)],
    note: `The server had core ${first}, the load core ${second}.`,
    giveBack: () => void move(`${first},${second}`),
  };
}

/** proc_pid_status(5): the cores that this process may use, such as `0-3,8`. */
function allowed(): number[] {
  if (process.platform !== "linux") return [];
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
