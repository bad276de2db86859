import { isIP } from "node:net";
import type { Topology } from "../../config/schema.ts";

/** URL of NGINX at an address. With TLS by the name that the certificate is for, where there is one: by address browsers would refuse it. */
export function endpointAt(address: string, { tls, listen, serverName }: Topology["nginx"]): string {
	if (!tls) return `http://${address}${listen === 80 ? "" : `:${listen}`}`;
	const name = /^[\w-]+(\.[\w-]+)+$/.test(serverName) && !isIP(serverName) ? serverName : address;
	return `https://${name}${tls.httpsPort === 443 ? "" : `:${tls.httpsPort}`}`;
}
