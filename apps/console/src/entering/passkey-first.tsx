import type { ShownPasskey } from "@holdfast/protocol";
import { Button, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { words } from "../words/index.ts";
import { hasPasskeys, PasskeyProblem, showPasskey } from "../session/index.ts";
import { useOfferedPasskey } from "./use-offered-passkey.ts";

const own = words.session.passkey;

/** Where this browser has passkeys they come first: by one press, or as what the field of the e-mail offers. */
export function PasskeyFirst({ enter }: { readonly enter: (passkey: ShownPasskey) => Promise<void> }) {
  const [isAsked, setAsked] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const attempt = async (shown: () => Promise<ShownPasskey>) => {
    setError(undefined);
    try {
      await enter(await shown());
    } catch (failure) {
      setError(failure);
    }
  };
  useOfferedPasskey((shown) => attempt(async () => shown), isAsked);
  if (!hasPasskeys) return null;
  const press = async () => {
    setAsked(true);
    await attempt(() => showPasskey());
    setAsked(false);
  };
  return (
    <Stack gap="sm">
      <Button loading={isAsked} onClick={() => void press()}>
        {own.use}
      </Button>
      {error !== undefined && <PasskeyProblem error={error} />}
      <Text fz="sm" c="var(--hf-dim)">
        {own.or}
      </Text>
    </Stack>
  );
}
