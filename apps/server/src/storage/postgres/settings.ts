import { totalmem } from "node:os";

const megabytes = (count: number) => `${count}MB`;

/**
 * Given on the command line at every start, so that neither an old configuration file nor ALTER SYSTEM undoes them.
 * Memory follows the machine: a sixteenth for PostgreSQL's own cache, between 32 and 256 MB; the system caches the rest.
 */
export function settings({ memoryBytes = totalmem(), connections = 100 } = {}): Record<string, string> {
  const cache = Math.min(256, Math.max(32, Math.floor(memoryBytes / 16 / 2 ** 20)));
  return {
    // Its OpenSSL is out of support: no network, ever.
    listen_addresses: "",
    unix_socket_permissions: "0700",
    ssl: "off",
    password_encryption: "scram-sha-256",

    // An acknowledgement is a promise.
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",

    // Its log is a plain file, so no value may get there. Bound values are kept out by the lengths, statements by "panic",
    // the rows that DETAIL and CONTEXT quote by "terse"; and errors quote values too ('invalid input syntax: "…"'), so
    // they go to the client only: for the server's log "log" ranks above "error". What stays is starting, stopping,
    // refused sign-ins and disasters.
    logging_collector: "off",
    log_destination: "stderr",
    log_min_messages: "log",
    log_error_verbosity: "terse",
    log_statement: "none",
    log_min_error_statement: "panic",
    log_min_duration_statement: "-1",
    log_parameter_max_length: "0",
    log_parameter_max_length_on_error: "0",
    log_checkpoints: "off",
    log_timezone: "UTC",
    timezone: "UTC",
    cluster_name: "holdfast",

    max_connections: String(connections),
    shared_buffers: megabytes(cache),
    effective_cache_size: megabytes(cache * 8),
    work_mem: megabytes(4),
    maintenance_work_mem: megabytes(cache / 2),
    // Each parallel worker would take work_mem again, and its shared memory is scarce in containers.
    max_parallel_workers_per_gather: "0",
    max_parallel_maintenance_workers: "0",
    autovacuum_max_workers: "2",
    jit: "off",
  };
}
