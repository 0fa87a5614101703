/**
 * The server, killed at a place of its own: `killed-server.ts PLACE[:N] OPTION…`. It is the real program; only, at the Nth time that it passes that
 * place it ends itself by SIGKILL, as the kernel would for want of memory. Segments of the log are small here, so that they roll and go under load; so
 * is what is kept of frames before it is written anew.
 */
import { DatabaseSync } from "node:sqlite";
import { Ingest } from "../../apps/server/src/storage/ingest.ts";
import { Keyring } from "../../apps/server/src/storage/keyring/index.ts";
import { SqliteStore } from "../../apps/server/src/storage/keyring/sqlite.ts";
import { Session } from "../../apps/server/src/storage/session.ts";
import { Rounds } from "../../apps/server/src/rounds.ts";
import { Windows } from "../../apps/server/src/sockets/windows.ts";
import { FolderStore } from "../../apps/server/src/telemetry/folder-store.ts";
import { Segments } from "../../apps/server/src/telemetry/segments.ts";
import { placeOfRulings, type Place } from "./places.ts";

const [wanted = "", ...options] = process.argv.slice(2);
const [place, count = "1"] = wanted.split(":");
let left = Number(count);

function pass(here: Place): void {
  if (here !== place || (left -= 1) > 0) return;
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); // not one instruction more
}

type Async = (this: unknown, ...args: never[]) => Promise<unknown>;

/** Lets `around` stand where the method was. It gets the method to call, with its `this` and arguments in it. */
function wrap<T extends object>(
  on: T,
  name: keyof T,
  around: (call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>,
) {
  const method = on[name] as Async; // named by the callers below, each of which is async
  const wrapped: Async = function (...args) {
    return around(() => method.apply(this, args), args);
  };
  on[name] = wrapped as T[keyof T]; // takes and answers what the method did
}

const after = (here: Place) => async (call: () => Promise<unknown>) => {
  const value = await call();
  pass(here);
  return value;
};

wrap(Ingest.prototype, "append", async (call) => {
  const answer = call();
  // It leaves the process at the end of this turn; PostgreSQL goes on with it alone.
  setImmediate(() => pass("append sent"));
  await answer;
  pass("append committed");
});

let hasChunks = false;
/** What the transaction in hand did with chunks, to be told at its commit. */
let atCommit: Place | undefined;
wrap(Session.prototype, "query", async (call, [text]) => {
  const value = await call();
  const statement = String(text);
  pass("statement done");
  if (statement.includes("insert into chunk")) {
    hasChunks = true;
    pass("chunks inserted");
  }
  if (statement.includes("update series set pos")) pass("series moved on");
  if (statement.includes("open_segment")) pass("segment opened");
  if (statement.includes("drop_segment")) pass("segment dropped");
  if (statement.includes("from log where segment")) pass("log read");
  if (statement.includes("body from message_log")) pass("message log read");
  if (statement.includes("delete from message_log")) pass("message log cut");
  if (statement.includes("body from socket_log")) pass("socket log read");
  if (statement.includes("delete from socket_log")) pass("socket log cut");
  if (statement.startsWith("insert into socket_log")) pass("socket log written anew");
  if (statement.includes("and last = $4 and count = $5 returning")) joined("chunks joined", "join committed");
  if (statement.includes("insert into cold_object")) pass("object begun");
  if (statement.includes("set data = null")) joined("chunks moved", "move committed");
  if (statement.includes("set erased_at = $3")) joined("erasure marked", "erasure committed");
  if (statement.includes("insert into group_task")) joined("task written", "task committed");
  if (statement.includes("drop_month")) pass("month dropped");
  if (statement.includes("delete from chunk c using"))
    pass(statement.includes("period = any") ? "erased chunks removed" : "chunks expired");
  return value;
});
function joined(here: Place, then: Place): void {
  pass(here);
  atCommit = then;
}
wrap(Session.prototype, "run", async (call, [text]) => {
  const value = await call();
  pass("statement done");
  if (text === "commit" && atCommit) {
    const then = atCommit;
    atCommit = undefined;
    pass(then);
  }
  if (hasChunks && text === "commit") pass("chunks committed");
  return value;
});

wrap(Keyring.prototype, "make", async (call, [kind]) => {
  const value = await call();
  if (kind === "segment") pass("segment key made");
  if (kind === "messages") pass("message key made");
  return value;
});
wrap(FolderStore.prototype, "write", after("object written"));
wrap(FolderStore.prototype, "read", after("object read back"));
wrap(FolderStore.prototype, "remove", after("object removed"));
wrap(SqliteStore.prototype, "erase", async (call, [tombstones]) => {
  const value = await call();
  const [first] = tombstones as Parameters<SqliteStore["erase"]>[0];
  pass(first?.kind === "messages" ? "message key destroyed" : "device key destroyed");
  return value;
});
wrap(SqliteStore.prototype, "destroy", after("segment key destroyed"));
wrap(SqliteStore.prototype, "addEpoch", after("epoch added"));
wrap(SqliteStore.prototype, "rewrap", after("keys rewrapped"));
wrap(SqliteStore.prototype, "dropEpochsBefore", after("epoch dropped"));

wrap(SqliteStore.prototype, "ruled", (call) => {
  pass(placeOfRulings);
  return call();
});

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (text) {
  if (text === "COMMIT") pass("keyring writing");
  exec.call(this, text);
  if (text === "COMMIT") pass("keyring written");
};

// Chunks are looked after from a SIGUSR2 on, and then all the time, not every ten seconds.
const { every } = Rounds.prototype;
Rounds.prototype.every = function (milliseconds, work) {
  if (!String(work).includes("chunkCare")) return every.call(this, milliseconds, work);
  if (isCaring) return every.call(this, 200, work);
  process.once("SIGUSR2", () => {
    isCaring = true;
    this.every(milliseconds, work);
  });
};
let isCaring = false;

const { open } = Segments;
Segments.open = (needs) => open.call(Segments, { ...needs, segmentBytes: 32 * 1024 });

const { read } = Windows;
Windows.read = (needs, space) => read.call(Windows, { ...needs, least: 4 * 1024 }, space);

process.argv.splice(2, Infinity, ...options);
await import("../../apps/server/src/main.ts");
