import { Button, Center, Stack, Title } from "@mantine/core";
import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Page, paths, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.problem;

/** A page that could not be shown, where it would be. */
export function FailedPage({ error }: { readonly error: unknown }) {
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  const again = () => {
    reset(); // else what failed is thrown again and not asked
    void router.invalidate();
  };
  return (
    <Page title={own.notShown}>
      <ProblemNotice error={error} retry={again} />
    </Page>
  );
}

/** Not even the frame could be shown. */
export function Failed({ error }: { readonly error: unknown }) {
  return (
    <Alone>
      <FailedPage error={error} />
    </Alone>
  );
}

export function Nowhere() {
  return (
    <Alone>
      <Stack align="center">
        <Title order={1} fz="xl" fw={650}>
          {own.nowhere}
        </Title>
        <Button component={Link} to={paths.start} variant="default">
          {own.toStart}
        </Button>
      </Stack>
    </Alone>
  );
}

const Alone = ({ children }: { readonly children: ReactNode }) => (
  <Center component="main" tabIndex={-1} mih="60dvh" p="md">
    {children}
  </Center>
);
