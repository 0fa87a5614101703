import { routes } from "@holdfast/protocol";
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";
import { apiFor } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { Door, sessionQuery, useSignOut } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Asking, type Activation, type Decision } from "./asking.tsx";

const own = words.activating;

/** Where a program sends whoever runs it, so that she lets it in from her own browser, or not. */
export function Activate() {
  const [code, setCode] = useState(() => window.location.hash.slice(1, 20));
  const [found, setFound] = useState<Activation | undefined>(undefined);
  const [decision, setDecision] = useState<Decision | undefined>(undefined);
  const again = () => {
    setCode("");
    setFound(undefined);
    setDecision(undefined);
  };
  if (decision) return <Decided decision={decision} again={again} />;
  if (found) {
    return (
      <Door title={own.title}>
        <Asking code={code} asked={found} decided={setDecision} />
        <Who />
      </Door>
    );
  }
  return (
    <Door title={own.title} lead={own.lead}>
      <Enter code={code} change={setCode} found={setFound} />
      <Who />
    </Door>
  );
}

type Entering = {
  readonly code: string;
  readonly change: (code: string) => void;
  readonly found: (asked: Activation) => void;
};

/** What a link brings stands in the field, and is looked at when she says so. */
function Enter({ code, change, found }: Entering) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      found(await apiFor().call(routes.readActivation, { params: { code: code.trim() } }));
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        <TextInput
          label={own.code}
          description={own.codeHint}
          required
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={20}
          value={code}
          onChange={(event) => change(event.currentTarget.value)}
        />
        {error !== undefined && <ProblemNotice error={error} />}
        <Button type="submit" loading={isBusy}>
          {own.look}
        </Button>
      </Stack>
    </form>
  );
}

function Decided({ decision, again }: { readonly decision: Decision; readonly again: () => void }) {
  const isIn = decision.state === "let in";
  return (
    <Door title={isIn ? own.isIn : own.isRefused}>
      <Stack gap="md" role="status">
        <Text fz="sm">{isIn ? own.isInWhy : own.isRefusedWhy}</Text>
        {isIn && (
          <Text fz="sm">
            <Link to={paths.access} params={{ org: decision.org }}>
              {own.toCredentials}
            </Link>
          </Text>
        )}
        <Button variant="default" onClick={again}>
          {own.another}
        </Button>
      </Stack>
      <Who />
    </Door>
  );
}

/** For whom all this is, and the way out of it. */
function Who() {
  const { data: session } = useSuspenseQuery(sessionQuery);
  const signOut = useSignOut();
  return (
    <Group justify="space-between" gap="xs">
      <Text fz="sm">{own.you(session.person.email)}</Text>
      <Button variant="subtle" size="compact-sm" onClick={() => void signOut()}>
        {words.shell.signOut}
      </Button>
    </Group>
  );
}
