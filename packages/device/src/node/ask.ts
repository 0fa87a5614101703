import { request, type RequestOptions } from "node:https";
import { DeviceError } from "../index.ts";

export type Answer = { readonly status: number; readonly text: string };
type Asked = Pick<RequestOptions, "method" | "headers" | "ca" | "cert" | "key">;

const patience = 30_000; // milliseconds
const most = 1024 * 1024; // characters

/** One request over HTTPS, on a connection of its own. */
export function ask(url: string, options: Asked, body?: string): Promise<Answer> {
  if (!url.startsWith("https:")) throw new DeviceError("url.insecure", { detail: url });
  return new Promise((resolve, reject) => {
    const call = request(url, { ...options, agent: false, timeout: patience });
    call.on("timeout", () => call.destroy(new Error(`${url} did not answer within ${patience / 1_000} s`)));
    call.on("error", reject).on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > most) call.destroy(new Error(`${url} answered more than ${most} characters`));
      });
      response.on("error", reject).on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.end(body);
  });
}
