import type { Route } from "@holdfast/protocol";
import type { FastifyReply } from "fastify";
import { oauthAnswer } from "./oauth.ts";
import { problemType, type Problem } from "./problem.ts";

/** As the operation has it told that was asked for. */
export function sendProblem(reply: FastifyReply, problem: Problem, route: Route | undefined): FastifyReply {
  switch (route?.speaks) {
    case undefined:
    case "est":
      return reply.code(problem.status).type(problemType).send(problem);
    case "oauth": {
      const { status, body } = oauthAnswer(problem);
      return reply.code(status).type("application/json").send(body);
    }
    case "influx":
      // Its clients show `message`, and look for it in `application/json` alone.
      return reply
        .code(problem.status)
        .type("application/json")
        .send({ ...problem, message: messageOf(problem) });
  }
}

const messageOf = ({ title, detail }: Problem): string => (detail === undefined ? title : `${title} ${detail}`);
