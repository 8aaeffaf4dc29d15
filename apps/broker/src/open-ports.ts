import { ListenError, type RunningServer, type StartServerOptions, startServer } from "@ottla/transport/node";

const NO_IPV6: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EINVAL"]);

/** Every interface means IPv6 and IPv4 where the system has both, IPv4 alone where it has not. */
export async function openPorts(options: StartServerOptions): Promise<RunningServer> {
  try {
    return await startServer(options);
  } catch (error) {
    if (!(error instanceof ListenError && NO_IPV6.has(error.code))) throw error;
    if (!options.listeners.some(({ host }) => host === "::")) throw error;
    const listeners = options.listeners.map((each) => (each.host === "::" ? { ...each, host: "0.0.0.0" } : each));
    return await startServer({ ...options, listeners });
  }
}
