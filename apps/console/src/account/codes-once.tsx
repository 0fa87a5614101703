import { Stack, Text } from "@mantine/core";
import { SecretOnce } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.account.twoStep;

/** Recovery codes, one to a line. */
export const CodesOnce = ({ codes }: { readonly codes: readonly string[] }) => (
  <Stack gap="sm">
    <Text fz="sm">{own.codes}</Text>
    <SecretOnce label={own.codesName} secret={codes.join("\n")} file="recovery-codes.txt" />
  </Stack>
);
