import { ApiProblem, NotReached, StrangeReply, unsaid } from "@holdfast/client";
import { Alert, Button, Code, CopyButton, Group, List, Stack, Text } from "@mantine/core";
import { words } from "../words/index.ts";

export type Told = {
  readonly sentence: string;
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  readonly faults: readonly string[];
};

/** What went wrong, in words for whoever reads it and facts for whoever helps. */
export function told(error: unknown): Told {
  const nothing = { code: undefined, requestId: undefined, faults: [] };
  if (error instanceof ApiProblem) {
    const faults = unsaid(error.message, error.faults).map(({ path, message }) => `${path}: ${message}`);
    const sentence = error.code === "confirmation.required" ? words.session.confirmation.cancelled : error.message;
    return { sentence, code: error.code, requestId: error.requestId, faults };
  }
  if (error instanceof NotReached) return { ...nothing, sentence: words.problem.unreachable };
  if (error instanceof StrangeReply) return { ...nothing, sentence: words.problem.strange };
  return { ...nothing, sentence: words.problem.unknown, faults: error instanceof Error ? [error.message] : [] };
}

export function ProblemNotice({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { sentence, code, requestId, faults } = told(error);
  const facts = [sentence, ...faults, code && `code ${code}`, requestId && `request ${requestId}`];
  return (
    <Alert role="alert" variant="outline" color="red" title={words.problem.title} c="var(--hf-text)">
      <Stack gap="xs">
        <Text fz="sm">{sentence}</Text>
        {faults.length > 0 && (
          <List size="sm">
            {faults.map((fault) => (
              <List.Item key={fault}>{fault}</List.Item>
            ))}
          </List>
        )}
        <Group gap="xs">
          {code !== undefined && <Code>{code}</Code>}
          {requestId !== undefined && <Code>{requestId}</Code>}
          <CopyButton value={facts.filter(Boolean).join("\n")}>
            {({ copied, copy }) => (
              <Button size="compact-xs" variant="default" onClick={copy}>
                {copied ? words.common.copied : words.problem.copy}
              </Button>
            )}
          </CopyButton>
          {retry && (
            <Button size="compact-xs" variant="default" onClick={retry}>
              {words.problem.retry}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
