import { createServer, request as openRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";

/** What a proxy was asked. */
export type ProxyRequest = { method: string; target: string; authorization: string | undefined };

/** An HTTP proxy on loopback: it forwards requests for whole addresses and opens tunnels (CONNECT). */
export class LoopbackProxy {
  readonly seen: ProxyRequest[] = [];
  /** Where it is set, requests need this `name:password`. */
  credentials: string | undefined;
  /** Where a tunnel to a name that does not exist leads: a port on loopback. Without it tunnels are refused with 403. */
  tunnelPort: number | undefined;
  readonly #server = createServer();

  async listen(): Promise<this> {
    this.#server.on("request", (incoming, outgoing) => {
      const { method = "", url = "", headers } = incoming;
      if (!this.#admit(method, url, headers["proxy-authorization"])) return void outgoing.writeHead(407).end();
      if (!URL.canParse(url)) return void outgoing.writeHead(400).end();
      const { "proxy-authorization": _, ...rest } = headers;
      const onward = openRequest(url, { method, headers: rest }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    });
    this.#server.on("connect", ({ url = "", headers }, socket) => {
      const admitted = this.#admit("CONNECT", url, headers["proxy-authorization"]);
      const status = admitted ? "403 Forbidden" : "407 Proxy Authentication Required";
      if (!admitted || this.tunnelPort === undefined) return void socket.end(`HTTP/1.1 ${status}\r\n\r\n`);
      const onward = connect(this.tunnelPort, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.pipe(socket);
        socket.pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #admit(method: string, target: string, given: string | undefined): boolean {
    const authorization = given === undefined ? undefined : Buffer.from(given.replace(/^Basic /, ""), "base64").toString();
    this.seen.push({ method, target, authorization });
    return this.credentials === undefined || this.credentials === authorization;
  }
}
