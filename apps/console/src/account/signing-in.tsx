import { Stack } from "@mantine/core";
import { Address } from "./address.tsx";
import { Demanding } from "./demanding.tsx";
import { FactorReset } from "./factor-reset.tsx";
import { Passkeys } from "./passkeys.tsx";
import { Password } from "./password.tsx";
import { TwoStep } from "./two-step.tsx";

/** By what she shows who she is. */
export function SigningIn() {
  return (
    <Stack gap="md">
      <FactorReset />
      <Demanding />
      <Passkeys />
      <TwoStep />
      <Password />
      <Address />
    </Stack>
  );
}
