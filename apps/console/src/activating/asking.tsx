import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Alert, Button, Code, Group, List, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor } from "../api/index.ts";
import { Facts, Moment, ProblemNotice } from "../kit/index.ts";
import { sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.activating;

/** A program that asks to be let in. */
export type Activation = Reply<typeof routes.readActivation>;

export type Decision = { readonly state: "let in"; readonly org: string } | { readonly state: "refused" };

type Asked = {
  readonly code: string;
  readonly asked: Activation;
  readonly decided: (decision: Decision) => void;
};

/** What asks, from where, and what it would be able to do; and the two answers. */
export function Asking({ code, asked, decided }: Asked) {
  const { data: session } = useSuspenseQuery(sessionQuery);
  const [chosen, choose] = useState(session.orgs[0]?.id ?? "");
  const [lifetime, setLifetime] = useState(String(asked.lifetime));
  const [busy, setBusy] = useState<"let in" | "refused" | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const org = session.orgs.find(({ id }) => id === chosen);
  const params = { code: code.trim() };
  const decide = async (decision: Decision, act: () => Promise<unknown>) => {
    setBusy(decision.state);
    setError(undefined);
    try {
      await act();
      decided(decision);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(undefined);
    }
  };
  const letIn = () =>
    decide({ state: "let in", org: chosen }, () =>
      apiFor(chosen).call(routes.approveActivation, { params, body: { lifetime: `${lifetime}s` } }),
    );
  const refuse = () => decide({ state: "refused" }, () => apiFor().call(routes.refuseActivation, { params }));
  return (
    <Stack gap="md">
      <Alert color="yellow" variant="outline" title={own.warning} c="var(--hf-text)">
        {own.warningWhy}
      </Alert>
      <Facts
        facts={[
          [own.shownCode, <Code key="code">{shown(params.code)}</Code>],
          [own.program, asked.program],
          [own.machine, asked.machine ?? own.machineUnsaid],
          [own.address, asked.address],
          [own.asked, <Moment key="asked" at={asked.askedAt} />],
        ]}
      />
      <NativeSelect
        label={own.org}
        value={chosen}
        data={session.orgs.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      <NativeSelect
        label={own.lifetime}
        value={lifetime}
        data={lifetimes(asked.lifetime)}
        onChange={(event) => setLifetime(event.currentTarget.value)}
      />
      {org && <May asked={asked.grants} org={org} />}
      {error !== undefined && <ProblemNotice error={error} />}
      <Group gap="xs" grow>
        <Button
          variant="default"
          loading={busy === "refused"}
          disabled={busy !== undefined}
          onClick={() => void refuse()}
        >
          {own.refuse}
        </Button>
        <Button loading={busy === "let in"} disabled={busy !== undefined} onClick={() => void letIn()}>
          {own.letIn}
        </Button>
      </Group>
    </Stack>
  );
}

type Org = { readonly name: string; readonly role: string; readonly grants: readonly string[] };

function May({ asked, org }: { readonly asked: readonly string[] | undefined; readonly org: Org }) {
  const grants = asked ?? org.grants;
  const list = (
    <List size="sm" listStyleType="none">
      {grants.map((grant) => (
        <List.Item key={grant}>
          <Code>{grant}</Code>
        </List.Item>
      ))}
    </List>
  );
  return (
    <Stack gap="xs">
      <Title order={2} fz="sm">
        {own.may}
      </Title>
      <Text fz="sm">{asked ? own.mayThese : own.mayAll(org.name, org.role)}</Text>
      {asked ? (
        list
      ) : (
        <>
          <details>
            <summary>{own.showAll}</summary>
            {list}
          </details>
          <Text fz="sm">{own.mayNot}</Text>
        </>
      )}
    </Stack>
  );
}

/** As the program shows it, however she typed it: she compares the two. */
function shown(typed: string): string {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, "");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

const hour = 3_600; // seconds
const usual = [hour, 8 * hour, 24 * hour, 7 * 24 * hour, 30 * 24 * hour];

/** What it asks for, and what is usual. */
function lifetimes(asked: number): { value: string; label: string }[] {
  const all = [...new Set([...usual, asked])].toSorted((a, b) => a - b);
  return all.map((seconds) => ({ value: String(seconds), label: lengthOf(seconds) }));
}

function lengthOf(seconds: number): string {
  if (seconds % (24 * hour) === 0 && seconds > 24 * hour) return own.days(seconds / (24 * hour));
  if (seconds % hour === 0) return own.hours(seconds / hour);
  return own.minutes(Math.ceil(seconds / 60));
}
