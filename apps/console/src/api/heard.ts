import { ApiProblem, fetchTransport, NotReached, type Transport } from "@holdfast/client";

/** What every answer tells about the connection, whoever asked: that nobody is signed in any more, or that none came. */
export type News = "session ended" | "not reached";

const listeners = new Map<News, Set<() => void>>([
  ["session ended", new Set()],
  ["not reached", new Set()],
]);

/** Calls back at such news. Answers with what ends that. */
export function on(news: News, heard: () => void): () => void {
  listeners.get(news)?.add(heard);
  return () => void listeners.get(news)?.delete(heard);
}

function tell(news: News): void {
  for (const heard of listeners.get(news) ?? []) heard();
}

/** What the platform says when a cookie is missing, ended or no longer good. */
export const sessionEnded = (error: unknown): boolean => error instanceof ApiProblem && error.status === 401;

/** The browser's own requests, listened to: also those of streams, of changes, and of work on many rows. */
export function heardTransport(): Transport {
  const browser = fetchTransport();
  return {
    close: () => browser.close(),
    async send(request) {
      try {
        const reply = await browser.send(request);
        if (reply.status === 401) tell("session ended");
        return reply;
      } catch (error) {
        if (error instanceof NotReached) tell("not reached");
        throw error;
      }
    },
  };
}
