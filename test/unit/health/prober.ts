import { Prober } from "../../../providers/service/prober.ts";

/* `node prober.ts <endpoint> <path>`: what the prober makes of one request. */

const [endpoint = "", path = ""] = process.argv.slice(2);
const prober = new Prober({ endpoint }, { path, ratePerSecond: 20, failOnError: false });
await new Promise((resolve) => setTimeout(resolve, 120));
await prober.stop();
process.stdout.write(JSON.stringify(prober.result()));
