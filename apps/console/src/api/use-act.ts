import { useMutation } from "@tanstack/react-query";
import { queryClient } from "./api.ts";

/** Something that changes what the platform holds: afterwards every list and page of it is asked again. */
export function useAct<Given, Answer>(act: (given: Given) => Promise<Answer>) {
  return useMutation({
    mutationFn: act,
    onSuccess: () => queryClient.invalidateQueries(),
  });
}
