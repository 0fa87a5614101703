import { routes } from "@holdfast/protocol";
import { Button, Text } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { pathTo, paths, ProblemNotice, Slow } from "../kit/index.ts";
import { Door, sessionQuery } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.byProvider;

/** As the platform marks the state of who wants to link an account, and not to sign in. */
const isOfLink = (query: string): boolean => new URLSearchParams(query).get("state")?.startsWith("link.") === true;

/** Taken once, and out of sight. */
function taken(): string {
  const { search, pathname } = window.location;
  window.history.replaceState(null, "", pathname);
  return search;
}

/** Where a provider sends people back to. What it sent along is good once, and in the browser that was sent there. */
export function Callback() {
  const { org } = useParams({ from: paths.providerCallback });
  const [query] = useState(taken);
  const [isLink] = useState(() => isOfLink(query));
  const [error, setError] = useState<unknown>(undefined);
  const navigate = useNavigate();
  useEffect(() => {
    if (answered.has(query)) return;
    answered.add(query);
    const answer = async () => {
      if (isLink) {
        await apiFor().call(routes.endLink, { body: { org, query } });
        return paths.account;
      }
      const { to = pathTo("overview", { org }) } = await apiFor().call(routes.endProviderSignIn, {
        body: { org, query },
      });
      queryClient.clear(); // what somebody else may have seen here
      await queryClient.fetchQuery(sessionQuery);
      return to;
    };
    answer().then((href) => navigate({ href, replace: true }), setError);
  }, [isLink, navigate, org, query]);
  return (
    <Door title={isLink ? own.linked : own.back}>
      {error === undefined ? (
        <Slow />
      ) : (
        <>
          <ProblemNotice error={error} />
          <Button
            onClick={() =>
              void (isLink
                ? navigate({ to: paths.account, replace: true })
                : navigate({ to: paths.organisationSignIn, params: { org }, replace: true }))
            }
          >
            {own.again}
          </Button>
          <Text fz="sm">
            <Link to={paths.signIn}>{own.otherwise}</Link>
          </Text>
        </>
      )}
    </Door>
  );
}

/** Effects run twice while the console is worked on. */
const answered = new Set<string>();
