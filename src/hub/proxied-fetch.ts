import type { ProxyAgent } from "undici";
import { TsumugiError } from "../errors.ts";
import { FetchFailure, reasonOf } from "./failure-reason.ts";
import { type HubProxy, proxyFor } from "./proxy.ts";

/** Connections to proxies, by what makes them differ. A program has one or two. */
const agents = new Map<string, ProxyAgent>();

/**
 * The global fetch, through the proxy that the environment names for the address. Node's own fetch does not look for proxies,
 * so undici, which is that fetch as a package, takes its place for such requests; it is loaded only then.
 *
 * Of an http: address the proxy is asked for the whole address, as Python asks, since many refuse to open a tunnel for it.
 */
export async function proxiedFetch(address: string, init: RequestInit = {}): Promise<Response> {
  const proxy = proxyFor(address);
  if (proxy === undefined) return globalThis.fetch(address, init);
  const undici = await import("undici");
  const dispatcher = agentOf(proxy, undici.ProxyAgent);
  try {
    const options = { ...init, dispatcher } as Parameters<typeof undici.fetch>[1];
    return (await undici.fetch(address, options)) as unknown as Response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const { variable, uri } = proxy;
    const reason = reasonOf(error);
    if (reason.includes("(407)")) {
      const reason =
        proxy.authorization === undefined ? "it asks for a name and a password" : "it refuses the name and password";
      throw new TsumugiError("hub_proxy_invalid", { variable, reason: `${reason} (HTTP 407)`, given: uri }, { cause: error });
    }
    throw new FetchFailure(`${reason}, through the proxy ${uri} of ${variable}`, { cause: error });
  }
}

function agentOf({ uri, authorization }: HubProxy, Agent: typeof ProxyAgent): ProxyAgent {
  const key = `${uri} ${authorization ?? ""}`;
  const agent = agents.get(key) ?? new Agent({ uri, token: authorization, proxyTunnel: false });
  agents.set(key, agent);
  return agent;
}
