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
	hashKey?: string;
	/**
	 * Weight by app node. Default 1.
	 *
	 * @default {}
	 */
	weights: {
		[k: string]: number;
	};
	/**
	 * Keep each client on the node that answered it first, by a cookie that NGINX sets. Needs NGINX 1.29.6; before, use `hash` or `ip_hash`.
	 */
	sticky?: {
		/**
		 * Name of the cookie.
		 */
		cookie: string;
		/**
		 * Seconds a browser keeps the cookie. Default: until it is closed.
		 */
		expiresSeconds?: number;
	};
	/**
	 * Name of a service's upstream, by the service. Default: the service's own name, with _ for each hyphen.
	 *
	 * @default {}
	 */
	upstreams: {
		[k: string]: string;
	};
	/**
	 * What NGINX answers to. The stack's `endpoint` is the first one's. HTTPS is for all of them, with one certificate.
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
		 * Name of the service by where a path begins: the longest that fits. The path is passed on as it is. Without `/`, all else is answered with 404. Default: `/` to the stack's only service.
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
	bind?: string;
	/**
	 * max_fails of each server. A request that exceeds `readTimeoutSeconds` counts as a failure of its server: with 1, two slow requests and a node that is taken out leave no server for all others.
	 *
	 * @default 5
	 */
	maxFails: number;
	/**
	 * fail_timeout of each server. Long values take healthy nodes out when several fail one after another.
	 *
	 * @default 1
	 */
	failTimeoutSeconds: number;
	/**
	 * proxy_connect_timeout: after it a node that does not answer at all is passed over, one after another. 1 is too short for a packet that is lost and sent again.
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
	 * Idle connections to the nodes that each worker of NGINX keeps. A kept one takes requests for 2 seconds and is closed after 1 idle second, so a node that is taken out is rid of it 3 seconds and a request later. 0: none is kept, and local ports run out at about 470 requests a second to a node. Use 0 where the application itself ends idle connections within 2 seconds, which can make a POST fail. NGINX before 1.19.10 keeps none.
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
	 * proxy_request_buffering. On, NGINX takes in the whole body before it asks a node, so a slow upload does not hold up a node that is to be drained. Off, the body is passed on as it comes, and a GET, PUT or DELETE without a body that breaks within twice `connectTimeoutSeconds` and half a second is sent to another node. Either way a node that refuses the connection is passed over before anything is sent.
	 *
	 * @default true
	 */
	requestBuffering: boolean;
	/**
	 * proxy_buffering. Off for answers that the application streams.
	 *
	 * @default true
	 */
	responseBuffering: boolean;
	/**
	 * Addresses and networks of proxies in front of NGINX. Only their X-Forwarded-For, -Proto and -Host are believed; from anyone else these are replaced.
	 *
	 * @default []
	 */
	trustedProxies: string[];
	/**
	 * Files of NGINX made by other means, such as /etc/nginx/conf.d/was.conf, whose place the stack's own takes, see docs/existing.md. Where one says what the configuration does not, it is refused.
	 *
	 * @default []
	 */
	adopt: string[];
	/**
	 * HTTPS: a certificate from here or from files, or one by ACME. Without: plain HTTP.
	 */
	tls?: {
		/**
		 * Certificate as PEM text, followed by those of the intermediate CAs. A change reloads NGINX.
		 */
		certificate?: string;
		/**
		 * The same as a file where `pulumi` runs.
		 */
		certificateFile?: string;
		/**
		 * Private key of the certificate, PEM, without passphrase. Secret: encrypted config or `{fromEnvironment: NAME}`.
		 */
		key?:
			| string
			| {
					fromEnvironment: string;
			  };
		/**
		 * The same as a file where `pulumi` runs. Its content is kept in the state as a secret.
		 */
		keyFile?: string;
		/**
		 * Get and renew the certificate by ACME (HTTP-01), with the distribution's certbot.
		 */
		acme?: {
			/**
			 * Contact of the ACME account, given when the account is made on the host.
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
			 * PEM file where `pulumi` runs: the CA of an ACME server that public CAs do not vouch for. The host's own CAs stay valid.
			 */
			caCertificateFile?: string;
			/**
			 * You agree to the terms of service of the ACME server.
			 */
			agreeTos: true;
		};
		/**
		 * Port NGINX listens on with TLS.
		 *
		 * @default 443
		 */
		httpsPort: number;
		/**
		 * Answer HTTP with a redirect to HTTPS once HTTPS is up: 308, so that a POST stays a POST. ACME challenges are served all the same.
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
		 * max-age of Strict-Transport-Security; 0 is off. Browsers remember it: with it on, nobody gets back to plain HTTP before it has passed.
		 *
		 * @default 0
		 */
		hstsSeconds: number;
	};
}
