import { ApiProblem, type Client, type LiveEvent } from "@holdfast/client";

type Query = NonNullable<Parameters<Client["watch"]>[0]>;

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
export async function follow(client: Client, query: Query, hearer: Hearer): Promise<void> {
  const { signal } = hearer;
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 10_000)) {
    try {
      const onOpen = () => {
        pause = 500;
        hearer.onOpen();
      };
      for await (const event of client.watch(query, { signal, onOpen })) hearer.hear(event);
      hearer.away(undefined);
    } catch (error) {
      if (signal.aborted) return;
      const isRefused = error instanceof ApiProblem && error.status < 500;
      if (isRefused) return hearer.refused(error);
      hearer.away(error);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
