import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ClientSettings } from "../clients/bench-client.ts";
import type { ClientKind, ClientRequest, ClientResponse, FollowTask } from "../clients/protocol.ts";

const CLIENT_PROGRAM = fileURLToPath(new URL("../clients/client-process.js", import.meta.url));

/** A client that is asked again and again. */
export interface ClientHandle {
  ask(request: ClientRequest): Promise<ClientResponse>;
  close(): Promise<void>;
}

/** A client in JavaScript in a process of its own. */
export class ClientProcess implements ClientHandle {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(kind: ClientKind, bootstrap: string, settings: ClientSettings): Promise<ClientProcess> {
    const child = fork(CLIENT_PROGRAM, [kind, bootstrap, JSON.stringify(settings)]);
    await once(child, "message");
    return new ClientProcess(child);
  }

  async ask(request: ClientRequest): Promise<ClientResponse> {
    this.#child.send(request);
    return await this.#answer();
  }

  /** Asks to follow a topic. Resolves when it reads; the answer comes when nothing more does. */
  async follow(task: FollowTask): Promise<{ readonly answer: Promise<ClientResponse> }> {
    this.#child.send({ kind: "followPaced", ...task } satisfies ClientRequest);
    const [message] = await once(this.#child, "message");
    if (message !== "following") throw new Error(`the client does not follow: ${JSON.stringify(message)}`);
    return { answer: this.#answer() };
  }

  async close(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.send("close");
    await ended;
  }

  async #answer(): Promise<ClientResponse> {
    const [response] = (await once(this.#child, "message")) as [ClientResponse | { readonly error: string }];
    if ("error" in response) throw new Error(response.error);
    return response;
  }
}
