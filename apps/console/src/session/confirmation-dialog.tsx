import type { Input } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { apiFor } from "../api/index.ts";
import { words } from "../words/index.ts";
import { CodeInput, isCodeAsked } from "./code-input.tsx";
import { hasPasskeys, showPasskey } from "./passkey.ts";
import { PasskeyProblem } from "./passkey-problem.tsx";
import { sessionQuery } from "./session.ts";
import { useProvider } from "./use-provider.ts";

const own = words.session.confirmation;

/** Where she is, to come back to. */
const here = (): string => `${window.location.pathname}${window.location.search}`;

/** A key that closes this closes nothing below it. */
const alone = { "data-mantine-stop-propagation": "true" } as const;

/** Asks who is there once more. */
export function ConfirmationDialog({ close }: { readonly close: (isProved: boolean) => void }) {
  const queries = useQueryClient();
  const { provider, orgs } = queries.getQueryData(sessionQuery.queryKey) ?? {};
  const go = useProvider();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const prove = async (shown: () => Promise<Input<typeof routes.confirmIdentity>["body"]>) => {
    setBusy(true);
    setError(undefined);
    try {
      await apiFor().call(routes.confirmIdentity, { body: await shown() });
      close(true);
    } catch (failure) {
      setError(isCodeAsked(failure) ? undefined : failure);
      if (isCodeAsked(failure)) setCode("");
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void prove(async () => ({ password, code }));
  };
  return (
    <Modal
      opened
      onClose={() => close(false)}
      title={own.title}
      zIndex={300} // above a dialog that opened later and now waits for this one
      closeButtonProps={{ "aria-label": words.common.close, ...alone }}
      closeOnClickOutside={false}
      closeOnEscape={false}
      onKeyDown={({ key }) => key === "Escape" && close(false)}
    >
      <form onSubmit={submit}>
        <Stack gap="md">
          <Text fz="sm">{own.why}</Text>
          <input
            type="text"
            hidden
            readOnly
            autoComplete="username"
            value={queries.getQueryData(sessionQuery.queryKey)?.person.email ?? ""}
          />
          {provider !== undefined && (
            <>
              <Text fz="sm" c="var(--hf-dim)">
                {words.byProvider.confirmHint}
              </Text>
              {go.error && <PasskeyProblem error={go.error} />}
              <Button
                data-autofocus
                loading={go.isPending}
                onClick={() => go.mutate({ org: orgs?.[0]?.id ?? "", isFresh: true, to: here() })}
                {...alone}
              >
                {words.byProvider.confirm}
              </Button>
            </>
          )}
          {provider === undefined && hasPasskeys && (
            <Button
              variant="default"
              disabled={isBusy}
              onClick={() => void prove(async () => ({ passkey: await showPasskey() }))}
              {...alone}
            >
              {words.session.passkey.use}
            </Button>
          )}
          {provider === undefined && (
            <PasswordInput
              label={own.password}
              autoComplete="current-password"
              required
              data-autofocus
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              {...alone}
            />
          )}
          {code !== undefined && (
            <CodeInput value={code} onChange={(event) => setCode(event.currentTarget.value)} {...alone} />
          )}
          {error !== undefined && <PasskeyProblem error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={() => close(false)} {...alone}>
              {words.common.cancel}
            </Button>
            {provider === undefined && (
              <Button type="submit" loading={isBusy} {...alone}>
                {own.submit}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
