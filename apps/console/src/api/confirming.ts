import { ApiProblem, Client, type Callable, type Input, type Reply } from "@holdfast/client";

/** Asks who is there; whether she proved it. */
type Ask = () => Promise<boolean>;

let ask: Ask | undefined;
let asking: Promise<boolean> | undefined;

/** Whoever asks the person; the last one said so. Answers with what ends that. */
export function confirmBy(next: Ask): () => void {
  ask = next;
  return () => {
    if (ask === next) ask = undefined;
  };
}

/** She is asked once for all that waits for it. */
function confirmed(): Promise<boolean> {
  asking ??= (ask?.() ?? Promise.resolve(false)).finally(() => (asking = undefined));
  return asking;
}

const isAsked = (error: unknown): boolean => error instanceof ApiProblem && error.code === "confirmation.required";

/** What was refused until she says once more who she is was not done: it is asked again once she has. */
export class ConfirmingClient extends Client {
  override async call<const R extends Callable>(
    route: R,
    ...given: Partial<Input<R>> extends Input<R> ? [input?: Input<R>] : [input: Input<R>]
  ): Promise<Reply<R>> {
    try {
      return await super.call(route, ...given);
    } catch (error) {
      if (!isAsked(error) || !(await confirmed())) throw error;
      return super.call(route, ...given);
    }
  }
}
