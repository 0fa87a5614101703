import { Stack, Text } from "@mantine/core";
import { useSuspenseQuery } from "@tanstack/react-query";
import { sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Address } from "./address.tsx";
import { Demanding } from "./demanding.tsx";
import { FactorReset } from "./factor-reset.tsx";
import { Passkeys } from "./passkeys.tsx";
import { Password } from "./password.tsx";
import { OwnProviders } from "./providers.tsx";
import { TwoStep } from "./two-step.tsx";

/** By what she shows who she is. */
export function SigningIn() {
  const { data: session } = useSuspenseQuery(sessionQuery);
  if (session.provider !== undefined) return <Text maw={720}>{words.byProvider.inYourAccount.limited}</Text>;
  return (
    <Stack gap="md">
      <FactorReset />
      <Demanding />
      <Passkeys />
      <TwoStep />
      <Password />
      <Address />
      <OwnProviders />
    </Stack>
  );
}
