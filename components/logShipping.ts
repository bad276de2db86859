import type * as pulumi from "@pulumi/pulumi";
import type { Topology } from "../config/schema.ts";
import { type Host, remoteStep, type StepOptions } from "./host.ts";
import { installScript } from "./packages.ts";
import { logGroupName } from "./sources/aws/identity.ts";

/** The key that signs the vendor's packages. */
const fingerprint = "937616F3450B7D806CBD9725D58167303B789C72";

/** Sends the collected logs on to CloudWatch, by the vendor's agent on the log host. Its rights come with the host. */
export function shipLogs(name: string, log: Host, topology: Topology, opts: StepOptions): pulumi.Resource | undefined {
	const { logs, aws } = topology;
	if (!logs.shipping) return undefined;
	const config = agentConfig({ host: log.name, directory: logs.path, logGroup: logGroupName(logs.shipping), region: aws.region as string });
	const args = {
		script: agentScript(aws.region as string),
		stdin: `${JSON.stringify(config, null, "\t")}\n`,
		looks: [`file ${configFile}`, "unit amazon-cloudwatch-agent"],
		deleteScript: removeScript,
	};
	return remoteStep(name, log, args, opts);
}

/**
 * The agent's configuration: every `*.log` file of the directory, each to a stream `<host>_<path with _ for />`. It runs as root, because the
 * export lets no other user in.
 */
export function agentConfig({ host, directory, logGroup, region }: { host: string; directory: string; logGroup: string; region: string }) {
	return {
		agent: { region, run_as_user: "root" },
		logs: {
			logs_collected: {
				files: {
					collect_list: [{ file_path: `${directory}/*.log`, publish_multi_logs: true, log_group_name: logGroup, log_stream_name: host }],
				},
			},
		},
	};
}

const configFile = "/opt/aws/amazon-cloudwatch-agent/etc/scaleout.json";

/** Installs the agent when it is missing, from the vendor's bucket of the region, and puts the configuration from standard input into effect. */
export function agentScript(region: string): string {
	const server = `https://amazoncloudwatch-agent-${region}.s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
	return `
config=$(mktemp)
directory=$(mktemp -d)
trap 'rm -rf "$directory" "$config"' EXIT
cat > "$config"
install_agent() {
${installScript(["curl", "gnupg"], [])}
  . /etc/os-release
  fetch() { curl -fsS --retry 5 --retry-all-errors --max-time 300 -o "$directory/$1" "${server}/$2"; }
  fetch agent.deb "$ID/amd64/latest/amazon-cloudwatch-agent.deb"
  fetch agent.deb.sig "$ID/amd64/latest/amazon-cloudwatch-agent.deb.sig"
  fetch key assets/amazon-cloudwatch-agent.gpg
  export GNUPGHOME="$directory/gnupg"
  mkdir -m 700 "$GNUPGHOME"
  gpg -q --batch --import "$directory/key"
  # Whatever keys were fetched: the signature must be by this one.
  verdict=$(gpg --batch --status-fd 1 --verify "$directory/agent.deb.sig" "$directory/agent.deb" 2>/dev/null || true)
  grep -q '^\\[GNUPG:\\] VALIDSIG .*${fingerprint}$' <<< "$verdict" ||
    { echo "logs.shipping: the agent's package is not signed by its vendor's key ${fingerprint}: it is not installed" >&2; exit 1; }
  apt-get -q -o DPkg::Lock::Timeout=300 install -y "$directory/agent.deb" >&2
}
dpkg-query -W -f '\${Status}' amazon-cloudwatch-agent 2>/dev/null | grep -q 'ok installed' || install_agent
control=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
install -m 644 "$config" ${configFile}
$control -a fetch-config -m ec2 -s -c file:${configFile} >&2
for attempt in $(seq 30); do
  grep -q '"status": "running"' <<< "$($control -a status)" && exit 0
  sleep 1
done
echo "logs.shipping: the CloudWatch agent does not run:" >&2
tail -n 20 /opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log >&2 || true
exit 1
`.trim();
}

/** Stops the agent. What it sent stays. */
const removeScript = `
control=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
[ -x $control ] || exit 0
$control -a stop >&2
$control -a remove-config -m ec2 -c all >&2
systemctl disable amazon-cloudwatch-agent >&2 || true
`.trim();
