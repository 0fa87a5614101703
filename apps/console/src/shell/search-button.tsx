import { NotReached } from "@holdfast/client";
import { Button, Text, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ProblemNotice, Slow } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.search;

/** The way to the search, by a press or by Ctrl-K. The search itself is fetched when it is first wanted. */
export function SearchButton() {
  const [isOpen, { open, close }] = useDisclosure(false);
  useEffect(() => {
    const pressed = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey)
        return;
      event.preventDefault(); // the browser's own
      // What a dialog shows may be a secret that is shown this once.
      if (!document.querySelector("[role=dialog]")) open();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [open]);
  return (
    <>
      <Tooltip label={own.keys}>
        <Button
          variant="default"
          size="compact-sm"
          onClick={open}
          aria-label={own.title}
          aria-haspopup="dialog"
          aria-keyshortcuts="Control+K Meta+K"
        >
          <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
            <path
              d="M9.5 9.5L13 13M1.5 6a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.5"
            />
          </svg>
          <Text span fz="sm" ml={6} visibleFrom="sm">
            {own.title}
          </Text>
        </Button>
      </Tooltip>
      {isOpen && <Part close={close} />}
    </>
  );
}

function Part({ close }: { readonly close: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["part", "search"],
    queryFn: () =>
      import("../search/index.ts").catch((cause: unknown) => {
        throw new NotReached("unreachable", "a part of the console did not arrive", { cause });
      }),
    staleTime: Infinity,
  });
  if (data) return <data.SearchDialog close={close} />;
  return (
    <div className="hf-beside">{error ? <ProblemNotice error={error} retry={() => void refetch()} /> : <Slow />}</div>
  );
}
