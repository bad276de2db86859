import type { Topology } from "../config/schema.ts";
import { shellQuote } from "../lib/connection.ts";
import { type NginxAdoption, putBack, stageAdoption, takeOut } from "./nginxAdoption.ts";
import { type Requirement, type SitePaths, serverNames } from "./nginxConfig.ts";

/* What is run on the NGINX host. Each script is bash for `remoteStep`. */

const hostVersion = `version=$(nginx -v 2>&1 | sed 's,.*nginx/\\([0-9.]*\\).*,\\1,')`;

/** Copies standard input without the lines that are for other versions of NGINX than `$version`. */
export const forThisVersion = `
for_this_version() {
  while IFS= read -r line; do
    if [[ $line =~ \\ #\\ nginx\\ (lt|ge)\\ ([0-9.]+)$ ]]; then
      dpkg --compare-versions "$version" "\${BASH_REMATCH[1]}" "\${BASH_REMATCH[2]}" || continue
    fi
    printf '%s\\n' "$line"
  done
}`.trim();

export interface ApplyOptions {
	/** Commands for when it is in effect. */
	afterwards?: string;
	/** Files of others that it takes the place of, in the same swap. */
	adoption?: NginxAdoption;
}

/**
 * Puts the file from standard input into effect: tested in place under a private mount, so that the live file is untouched until the new one
 * is known to be good; swapped atomically; reloaded; and taken back when NGINX does not come up with it (a port that is taken shows only then).
 */
export function applyScript(file: string, needed: Requirement[], { afterwards = "", adoption }: ApplyOptions = {}): string {
	return `
file=${file}
staged=$(mktemp -d /etc/nginx/.staged.XXXXXX)
trap 'rm -rf "$staged"' EXIT
# All of it, before anything can end this: who sends it would see a broken channel instead of the reason.
cat > "$staged/given"
${hostVersion}
${needed.map(refuseOlder).join("\n")}
${forThisVersion}
for_this_version < "$staged/given" > "$staged/new"
# The distribution's example site would answer on port 80 instead.
rm -f /etc/nginx/sites-enabled/default
cp -a /etc/nginx/conf.d "$staged/conf.d"
cp "$staged/new" "$staged/conf.d/$(basename $file)"
${adoption ? stageAdoption(adoption) : ""}
if ! unshare -m bash -c "for staged in $staged/conf.d $staged/sites-enabled; do [ ! -e \\$staged ] || mount --bind \\$staged /etc/nginx/\\$(basename \\$staged) || exit; done; nginx -t" > "$staged/test" 2>&1; then
  echo "NGINX refuses the configuration; the old one stays in effect:" >&2
  cat "$staged/test" >&2
  others=$(find /etc/nginx/conf.d /etc/nginx/sites-enabled -mindepth 1 -name '[!.]*' ! -path $file 2> /dev/null || true)
  [ -z "$others" ] || printf '%s\\n' "these are there beside it, made by other means; nginx.adopt takes over what it names:" "$others" >&2
  exit 1
fi
[ -e $file ] && cp -a $file "$staged/old"
chmod 644 "$staged/new"
${adoption ? takeOut(adoption) : ""}
mv "$staged/new" $file

workers() { pgrep -P "$(cat /run/nginx.pid 2>/dev/null || echo 0)" | sort || true; }
come_up() {
  if ! systemctl is-active -q nginx; then systemctl enable --now nginx >&2; return; fi
  before=$(workers)
  systemctl reload nginx || return 1
  # A reload that fails (port taken) leaves the old workers alone, and says so only in the error log.
  for attempt in $(seq 40); do
    [ -n "$(comm -13 <(echo "$before") <(workers))" ] && return 0
    sleep 0.25
  done
  return 1
}
if ! come_up; then
  echo "NGINX does not run with the new configuration; the old one stays in effect:" >&2
  { journalctl -n 10 --no-pager -o cat -u nginx; tail -n 5 /var/log/nginx/error.log; } >&2 || true
  ${adoption ? putBack(adoption) : ""}
  if [ -e "$staged/old" ]; then mv "$staged/old" $file; systemctl reload nginx || true; else rm -f $file; fi
  exit 1
fi
${afterwards}
`.trim();
}

function refuseOlder({ setting, since, remedy }: Requirement): string {
	return `if dpkg --compare-versions "$version" lt ${since}; then
  echo "${setting}: needs NGINX ${since}, the host has $version: ${remedy}, or install a newer NGINX" >&2
  exit 1
fi`;
}

/** Looks at a file of NGINX: that it is as it was put there, and that the workers that run have read it. See lib/hostRecord.ts. */
export function looksAt(file: string): string[] {
	const look = `
workers=$(ps -o etimes= --ppid "$(cat /run/nginx.pid)" | sort -n | head -n 1)
age=$(($(date +%s) - $(stat -c %Z ${file})))
state "what NGINX runs with" "$(if [ "$workers" -le $((age + 1)) ]; then echo ${file}; else echo "an earlier ${file}"; fi)"`;
	return ["unit nginx", `file ${file}`, look.trim()];
}

/** Takes a file out of effect. */
export function removeScript(file: string): string {
	return `rm -f ${file}; nginx -t && systemctl reload nginx`;
}

/** Lets systemd start NGINX again when it dies; the distribution's unit does not. */
export function keepRunningScript(dropIn: string): string {
	return `
install -d -m 755 "$(dirname ${dropIn})"
printf '[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nRestart=on-failure\\nRestartSec=1\\n' > ${dropIn}.new
chmod 644 ${dropIn}.new
mv ${dropIn}.new ${dropIn}
systemctl daemon-reload
`.trim();
}

/** Takes back what `keepRunningScript` made. */
export function forgetKeepRunningScript(dropIn: string): string {
	return `rm -f ${dropIn}; systemctl daemon-reload`;
}

/** NGINX looks for the file at each request: what is in flight ends normally. */
export function maintenanceScript(flag: string): string {
	return `read -r mode; if [ "$mode" = on ]; then touch ${flag}; else rm -f ${flag}; fi`;
}

/** Puts certificate and key from standard input into one file that root alone can read: they change together. */
export function certificateScript(file: string): string {
	return `
umask 077
install -d -m 700 "$(dirname ${file})"
cat > ${file}.new
mv ${file}.new ${file}
`.trim();
}

/** Once the certificate is in effect, the ones before it go. */
export function forgetOtherCertificates(file: string): string {
	return `find "$(dirname ${file})" -type f ! -path ${file} -delete`;
}

/** What the host keeps of ACME under a name of its own. */
export interface AcmePaths extends Pick<SitePaths, "challenges"> {
	/** certbot's name of the certificate. */
	name: string;
	/** The host's CAs and the one of the ACME server, in one file. */
	caBundle: string;
	/** Makes the timer's renewals trust that CA. */
	dropIn: string;
}

/** Where certbot keeps what it got. */
export const acmeCertificate = (name: string) => `/etc/letsencrypt/live/${name}`;

/**
 * Gets the certificate by certbot, unless one is there that has time left. NGINX must serve the challenges already. Standard input: the CA of
 * the ACME server, or nothing. certbot remembers all for the package's timer, which renews and reloads NGINX.
 */
export function acmeScript(
	nginx: Topology["nginx"],
	acme: NonNullable<NonNullable<Topology["nginx"]["tls"]>["acme"]>,
	paths: AcmePaths,
): string {
	const names = serverNames(nginx).filter((name) => name !== "_");
	const options = [
		"--non-interactive --agree-tos",
		`--email=${shellQuote(acme.email)}`,
		`--server ${acme.directoryUrl}`,
		`--webroot --webroot-path ${paths.challenges}`,
		`--cert-name ${paths.name}`,
		...names.map((name) => `--domain ${name}`),
		"--keep-until-expiring --renew-with-new-domains",
		"--deploy-hook 'nginx -t -q && systemctl reload nginx'",
	];
	return `
install -d -m 755 ${paths.challenges} /etc/letsencrypt
cat > ${paths.caBundle}.new
if [ -s ${paths.caBundle}.new ]; then
  cat /etc/ssl/certs/ca-certificates.crt >> ${paths.caBundle}.new
  mv ${paths.caBundle}.new ${paths.caBundle}
  mkdir -p "$(dirname ${paths.dropIn})"
  printf '[Service]\\nEnvironment=REQUESTS_CA_BUNDLE=%s\\n' ${paths.caBundle} > ${paths.dropIn}
  export REQUESTS_CA_BUNDLE=${paths.caBundle}
else
  rm -f ${paths.caBundle}.new ${paths.caBundle} ${paths.dropIn}
fi
systemctl daemon-reload
systemctl enable --now certbot.timer >&2
# certbot keeps a certificate of another server as long as it has time left.
renewal=/etc/letsencrypt/renewal/${paths.name}.conf
force=()
if [ -e $renewal ] && ! grep -qxF 'server = ${acme.directoryUrl}' $renewal; then force=(--force-renewal); fi
if ! said=$(certbot certonly "\${force[@]}" ${options.join(" \\\n    ")} 2>&1); then
  echo "nginx.tls.acme: certbot got no certificate for ${names.join(", ")}; what serves now goes on:" >&2
  echo "$said" >&2
  exit 1
fi
openssl x509 -in ${acmeCertificate(paths.name)}/fullchain.pem -noout -enddate
`.trim();
}

/** Takes back what `acmeScript` made. The ACME account stays: other certificates of the host may be under it. */
export function forgetAcmeScript(paths: AcmePaths): string {
	return `
certbot delete --non-interactive --cert-name ${paths.name} >&2 || true
rm -rf ${paths.challenges} ${paths.caBundle} ${paths.dropIn}
systemctl daemon-reload
`.trim();
}
