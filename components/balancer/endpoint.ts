import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host.ts";
import type { NginxSettings } from "../settings/nginx.ts";

export interface EndpointArgs extends Pick<NginxSettings, "tls" | "listen"> {
	/** Name of the site; `_` for any. */
	serverName: string;
	/** There are other sites at the same address: then even over HTTP only the name tells this one from them. */
	hasOthers?: boolean;
}

/** URL of a site of the load balancer. With TLS it has the certificate's name, if there is one: with the address, browsers would refuse it. */
export function endpointOf(
	{ reach }: Pick<Host, "reach">,
	{ tls, listen, serverName, hasOthers = false }: EndpointArgs,
): pulumi.Output<string> {
	const [scheme, usual] = tls ? ["https", 443] : ["http", 80];
	const { address, port, isForwarded } = reach(tls ? tls.httpsPort : listen);
	const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(serverName) && !isIP(serverName) && (hasOthers || serverName.includes("."));
	const name = (tls || hasOthers) && isName && !isForwarded ? serverName : address;
	return pulumi.interpolate`${scheme}://${name}${port === usual ? "" : `:${port}`}`;
}
