import { ApiProblem, type Client, type LiveEvent } from "@holdfast/client";

type Query = NonNullable<Parameters<Client["watch"]>[0]>;

/** Too many requests, or streams, at the moment. */
const tooMany = 429;

type Hearer = {
  readonly signal: AbortSignal;
  /** Each time that the stream begins. */
  onOpen(): void;
  hear(event: LiveEvent): void;
  /** It is tried again. */
  away(error: unknown): void;
  /** It is not tried again: the platform said no. */
  refused(error: unknown): void;
};

/** The live stream, again and again until the signal: what breaks off is begun anew, more slowly each time that it does not. */
export async function follow(client: Pick<Client, "watch">, query: Query, hearer: Hearer): Promise<void> {
  const { signal } = hearer;
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
    let asked = 0;
    try {
      const onOpen = () => {
        pause = 500;
        hearer.onOpen();
      };
      for await (const event of client.watch(query, { signal, onOpen })) hearer.hear(event);
      hearer.away(undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem) {
        const { status, retryAfterSeconds = 0 } = error;
        if (status < 500 && status !== tooMany) return hearer.refused(error);
        asked = retryAfterSeconds * 1_000;
      }
      hearer.away(error);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(pause, asked)));
  }
}
