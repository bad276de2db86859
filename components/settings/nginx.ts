/* Made from config/sections by `npm run docs`: change it there. */

/**
 * The load balancer.
 */
export interface NginxSettings {
	/**
	 * Load balancing method. A change reloads NGINX.
	 *
	 * @default "least_conn"
	 */
	method: "round_robin" | "least_conn" | "ip_hash" | "hash" | "random" | "least_time";
	/**
	 * `hash` only: the key, such as $request_uri. $cookie_NAME or $remote_addr keeps a client on one node.
	 */
	hashKey?: string | undefined;
	/**
	 * Weight by app node. Default 1.
	 *
	 * @default {}
	 */
	weights: {
		[k: string]: number;
	};
	/**
	 * Keep each client on the node that answered it first, by a cookie that NGINX sets. Needs NGINX 1.29.6; with an older one use `hash` or `ip_hash`.
	 */
	sticky?: {
		/**
		 * Name of the cookie.
		 */
		cookie: string;
		/**
		 * Seconds a browser keeps the cookie. Default: until it is closed.
		 */
		expiresSeconds?: number | undefined;
	} | undefined;
	/**
	 * Upstream name by service. Default: the service's name, with _ for each hyphen.
	 *
	 * @default {}
	 */
	upstreams: {
		[k: string]: string;
	};
	/**
	 * Sites that NGINX serves. The stack's `endpoint` is the first site's. HTTPS is for all of them, with one certificate.
	 *
	 * @minItems 1
	 */
	sites: {
		/**
		 * server_name.
		 *
		 * @default "_"
		 */
		serverName: string;
		/**
		 * Service name by path prefix. The longest matching prefix wins. The path is passed on unchanged. Without `/`, all other paths are answered with 404. Default: `/` to the stack's only service.
		 *
		 * @default {}
		 */
		routes: {
			[k: string]: string;
		};
	}[];
	/**
	 * Port NGINX listens on.
	 *
	 * @default 80
	 */
	listen: number;
	/**
	 * Address NGINX listens on. Default: all.
	 */
	bind?: string | undefined;
	/**
	 * max_fails of each server. A request that exceeds `readTimeoutSeconds` counts as a failure of its server. With 1, two slow requests and a node that is being drained leave no server for all other requests.
	 *
	 * @default 5
	 */
	maxFails: number;
	/**
	 * fail_timeout of each server. With long values healthy nodes get no requests after several have failed one after another.
	 *
	 * @default 1
	 */
	failTimeoutSeconds: number;
	/**
	 * proxy_connect_timeout. If a node does not answer at all within it, NGINX tries the next one. 1 is too short for a packet that is lost and sent again.
	 *
	 * @default 2
	 */
	connectTimeoutSeconds: number;
	/**
	 * proxy_read_timeout. A request that takes longer is answered with 504, and is not sent to another node.
	 *
	 * @default 60
	 */
	readTimeoutSeconds: number;
	/**
	 * Idle connections to the nodes that each NGINX worker keeps. A kept one takes requests for 2 seconds and is closed after 1 idle second. So a node that is taken out has none left after 3 seconds and a request. 0: none is kept, and local ports run out at about 470 requests per second to a node. Use 0 where the application itself ends idle connections within 2 seconds, which can make a POST fail. NGINX before 1.19.10 keeps none.
	 *
	 * @default 64
	 */
	keepalive: number;
	/**
	 * Answer everything with a 503 page. Switched without a reload: requests in flight end normally.
	 *
	 * @default false
	 */
	maintenance: boolean;
	/**
	 * Retry-After of the 503 page.
	 *
	 * @default 120
	 */
	retryAfterSeconds: number;
	/**
	 * client_max_body_size; 0 is no limit.
	 *
	 * @default 10
	 */
	clientMaxBodyMiB: number;
	/**
	 * proxy_request_buffering. On: NGINX reads the whole body before it connects to a node, so a slow upload does not delay a drain. Off: the body is passed on as it comes. Then a GET, PUT or DELETE without a body is sent to another node if it breaks within twice `connectTimeoutSeconds` plus half a second. Either way, if a node refuses the connection, NGINX tries another one before it sends anything.
	 *
	 * @default true
	 */
	requestBuffering: boolean;
	/**
	 * proxy_buffer_size: largest size of an answer's headers, in KiB. Larger headers, as with OIDC cookies, are answered with 502.
	 *
	 * @default 16
	 */
	responseHeaderKiB: number;
	/**
	 * proxy_buffering. Off for answers that the application streams.
	 *
	 * @default true
	 */
	responseBuffering: boolean;
	/**
	 * Addresses and networks of proxies in front of NGINX. Only their X-Forwarded-For, -Proto and -Host are trusted; those from anyone else are replaced.
	 *
	 * @default []
	 */
	trustedProxies: string[];
	/**
	 * Files of NGINX made by other means, such as /etc/nginx/conf.d/was.conf, that the stack's own file replaces, see docs/existing.md. A file with settings that the configuration does not have is refused.
	 *
	 * @default []
	 */
	adopt: string[];
	/**
	 * HTTPS, with a certificate given here, read from files, or obtained by ACME. Without `tls`: plain HTTP.
	 */
	tls?: {
		/**
		 * Certificate as PEM text, followed by those of the intermediate CAs. A change reloads NGINX.
		 */
		certificate?: string | undefined;
		/**
		 * The same as a file where `pulumi` runs.
		 */
		certificateFile?: string | undefined;
		/**
		 * Private key of the certificate, PEM, without passphrase. Secret: encrypted config or `{fromEnvironment: NAME}`.
		 */
		key?:
			| string
			| {
					fromEnvironment: string;
			  } | undefined;
		/**
		 * The same as a file where `pulumi` runs. Its content is kept in the state as a secret.
		 */
		keyFile?: string | undefined;
		/**
		 * Get and renew the certificate by ACME (HTTP-01), with the distribution's certbot.
		 */
		acme?: {
			/**
			 * Contact of the ACME account, given when the account is created on the host.
			 */
			email: string;
			/**
			 * Names of the certificate; NGINX answers to all of them. Default: the `serverName` of each site. Each must lead to port 80 of the NGINX host.
			 *
			 * @default []
			 */
			domains: string[];
			/**
			 * Directory of the ACME server. Default: Let's Encrypt. A change gets a new certificate.
			 *
			 * @default "https://acme-v02.api.letsencrypt.org/directory"
			 */
			directoryUrl: string;
			/**
			 * PEM file where `pulumi` runs: the CA of an ACME server whose certificate is not from a public CA. The host's own CAs stay valid.
			 */
			caCertificateFile?: string | undefined;
			/**
			 * You agree to the terms of service of the ACME server.
			 */
			agreeTos: true;
		} | undefined;
		/**
		 * Port NGINX listens on with TLS.
		 *
		 * @default 443
		 */
		httpsPort: number;
		/**
		 * Redirect HTTP to HTTPS once HTTPS is up, with status 308, so that a POST stays a POST. ACME challenges are still served.
		 *
		 * @default true
		 */
		redirect: boolean;
		/**
		 * Lowest version of TLS. Ciphers are those of Mozilla's intermediate profile.
		 *
		 * @default "TLSv1.2"
		 */
		minVersion: "TLSv1.2" | "TLSv1.3";
		/**
		 * max-age of Strict-Transport-Security; 0 is off. Browsers remember it: once it is on, they do not use plain HTTP again before it has expired.
		 *
		 * @default 0
		 */
		hstsSeconds: number;
	} | undefined;
}
