import { expect, test } from "vitest";
import { serverNames } from "../../../components/balancer/nginx/config.ts";
import { acmeStep } from "../../../components/balancer/nginx/steps.ts";
import { eachOnHost } from "../../support/eachHost.ts";
import type { StandInHost } from "../../support/standInHost.ts";
import { runStep } from "../../support/step.ts";
import { topology } from "../fixtures.ts";

/* The step that gets a certificate by ACME: what certbot is asked for. */

const paths = {
	name: "own",
	challenges: "/var/www/own",
	caBundle: "/etc/letsencrypt/own-ca.pem",
	dropIn: "/etc/systemd/system/d/own.conf",
};
let host: StandInHost;
eachOnHost((fresh) => {
	host = fresh;
});

function get(change: object, standIns = "") {
	const { nginx } = topology((config) =>
		Object.assign(config.nginx, {
			sites: [{ serverName: "was.example.org" }],
			tls: { acme: { email: "o'ps@example.org", agreeTos: true, ...change } },
		}),
	);
	const acme = nginx.tls?.acme as NonNullable<NonNullable<typeof nginx.tls>["acme"]>;
	return runStep(
		host,
		acmeStep(serverNames({ nginx, sites: nginx.sites.map((site) => ({ ...site, routes: [] })) }), { acme, ca: "" }, paths),
		standIns,
	);
}

/** The words that certbot is run with. */
function asked(change: object): string[] {
	expect(get(change)).toMatchObject({ status: 0, stderr: "" });
	const calls = host.calls("certbot");
	expect(calls).toHaveLength(1);
	return calls[0] as string[];
}

const following = (words: string[], option: string) => words.filter((_word, i) => words[i - 1] === option);

test("the address of the account arrives to the letter", () => {
	expect(asked({})).toContain("--email=o'ps@example.org");
});

test("every name is asked for, once, and a change of names is agreed to", () => {
	const words = asked({ domains: ["was.example.org", "www.example.org"] });
	expect(following(words, "--domain")).toEqual(["was.example.org", "www.example.org"]);
	expect(words).toEqual(expect.arrayContaining(["--keep-until-expiring", "--renew-with-new-domains"]));
});

test.each([
	[{}, "https://acme-v02.api.letsencrypt.org/directory"],
	[{ directoryUrl: "https://10.0.0.5:14000/dir" }, "https://10.0.0.5:14000/dir"],
])("the server that is configured is asked: %j", (change, server) => {
	expect(following(asked(change), "--server")).toEqual([server]);
});

test("without a certificate it fails, and certbot's words come after the reason", () => {
	const { status, stderr } = get(
		{ domains: ["was.example.org", "www.example.org"] },
		'certbot() { echo "no such challenge"; return 1; }; export -f certbot',
	);
	const reason = "nginx.tls.acme: certbot got no certificate for was.example.org, www.example.org; what serves now goes on:";
	expect([status, stderr]).toEqual([1, `${reason}\nno such challenge\n`]);
});
