import type { FastifyBaseLogger } from "fastify";

/** Fastify has to have a log, and ours is the platform's. */
export const silent = {
  level: "silent",
  fatal() {},
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  silent() {},
  child: () => silent,
} satisfies FastifyBaseLogger as FastifyBaseLogger;
