import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import type { NginxSettings } from "./settings/nginx.ts";

/** URL under which people reach the load balancer. With TLS by the name that the certificate is for, where there is one: by address browsers would refuse it. */
export function endpointOf({ reach }: Pick<Host, "reach">, { tls, listen, serverName }: NginxSettings): pulumi.Output<string> {
	const [scheme, usual] = tls ? ["https", 443] : ["http", 80];
	const { address, port, isForwarded } = reach(tls ? tls.httpsPort : listen);
	const isName = /^[\w-]+(\.[\w-]+)+$/.test(serverName) && !isIP(serverName);
	const name = tls && isName && !isForwarded ? serverName : address;
	return pulumi.interpolate`${scheme}://${name}${port === usual ? "" : `:${port}`}`;
}
