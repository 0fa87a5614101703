import { routes } from "@holdfast/protocol";
import { Button, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { Door, linkSecret } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.password;

/** Where the link to an address leads. Programs open links in letters as well, so a person presses the button. */
export function Verify() {
  const [secret] = useState(() => linkSecret("verify", window.location.hash));
  const [email, setEmail] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const verify = async () => {
    setBusy(true);
    setError(undefined);
    try {
      setEmail((await apiFor().call(routes.verifyEmail, { body: { secret: secret ?? "" } })).email);
      await queryClient.invalidateQueries();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  if (secret === undefined) {
    return (
      <Door title={own.verify} lead={own.noVerifyLink}>
        <Out />
      </Door>
    );
  }
  if (email !== undefined) {
    return (
      <Door title={own.verified}>
        <Text fz="sm" role="status">
          {own.verifiedLead(email)}
        </Text>
        <Out />
      </Door>
    );
  }
  return (
    <Door title={own.verify} lead={own.verifyLead}>
      <Stack gap="sm">
        {error !== undefined && <ProblemNotice error={error} />}
        <Button loading={isBusy} onClick={() => void verify()}>
          {own.verifyIt}
        </Button>
      </Stack>
    </Door>
  );
}

const Out = () => (
  <Text fz="sm">
    <Link to={paths.account}>{own.toAccount}</Link>
  </Text>
);
