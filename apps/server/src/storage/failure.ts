import pg from "pg";
import { Refusal } from "@holdfast/kernel";

/**
 * PostgreSQL refused a statement: our own bug, or a constraint that a verb turns into a refusal of its own. It carries the
 * SQLSTATE and what was violated, and not PostgreSQL's detail, which quotes values of the row.
 */
export class QueryFailed extends Error {
  override readonly name = "QueryFailed";
  /** SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
  readonly code: string;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(error: pg.DatabaseError) {
    const code = error.code ?? "XX000";
    super(`PostgreSQL refused a statement with ${code}${saying(code, error.message)}`);
    this.code = code;
    this.constraint = error.constraint;
    this.table = error.table;
  }
}

/** Another transaction was in the way: the work is run again. Never leaves storage. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** The connection is gone. Whether the statement ran is not known. Never leaves storage. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** Is this the violation of that unique, foreign key or check constraint? What verbs ask to say it in their own words. */
export const violates = (error: unknown, constraint: string): boolean =>
  error instanceof QueryFailed && error.constraint === constraint;

/** Tells apart what may be tried again, what is to be waited for, and what is our bug. */
export function failureOf(error: unknown): Error {
  if (!(error instanceof pg.DatabaseError)) {
    return error instanceof Error && isConnectionError(error)
      ? new ConnectionLost("the connection to PostgreSQL broke", { cause: error })
      : asError(error);
  }
  if (endsConnection(error)) return new ConnectionLost(`PostgreSQL ended the connection with ${error.code ?? "?"}`);
  switch (error.code) {
    case "40001": // serialization_failure
    case "40P01": // deadlock_detected
      return new Conflict(`another transaction was in the way (${error.code})`);
    case "53100": // disk_full: also "could not extend file: No space left on device"
      return new Refusal("storage.full", { retryAfterSeconds: 30 });
    case "53200": // out_of_memory
    case "53400": // configuration_limit_exceeded
    case "55P03": // lock_not_available: our lock_timeout
    case "57014": // query_canceled: our statement_timeout
      return new Refusal("storage.unavailable", {
        retryAfterSeconds: 2,
        detail: `It is overloaded (${error.code}).`,
      });
    default:
      return new QueryFailed(error);
  }
}

/** FATAL and PANIC end the session; class 08 is about connections; 57P01 to 57P05 is a server that stops, starts or drops us. */
const endsConnection = (error: pg.DatabaseError): boolean =>
  error.severity === "FATAL" || error.severity === "PANIC" || /^(08|57P)/.test(error.code ?? "");

/** No connection came about. Carries a code of the system, of TLS or of PostgreSQL, and nothing that was given to it. */
export class ConnectFailed extends Error {
  override readonly name = "ConnectFailed";
  readonly code: string;
  /** Worth trying again in a moment: a server that starts, or is away. A wrong password or a missing database is not. */
  readonly mayRecover: boolean;

  constructor(error: unknown) {
    const code = codeOf(error);
    super(`no connection to PostgreSQL (${code ?? "no code"})`);
    this.code = code ?? "no answer";
    this.mayRecover =
      error instanceof pg.DatabaseError
        ? /^(08|53|57P)/.test(code ?? "")
        : error instanceof Error && isConnectionError(error);
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

const systemCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT", // the socket of a PostgreSQL that is not running
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
]);

function isConnectionError(error: Error): boolean {
  const code = codeOf(error);
  if (code !== undefined) return systemCodes.has(code);
  // `pg` throws plain errors of its own for a socket that ended.
  return /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed)/.test(
    error.message,
  );
}

/** PostgreSQL's sentence, but only of classes that name tables and syntax; those about data quote values. */
const saying = (code: string, message: string): string => (/^(42|0A|25|55|XX|P0)/.test(code) ? `: ${message}` : ".");

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
