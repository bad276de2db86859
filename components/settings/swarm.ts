/* Made from config/sections by `npm run docs`: change it there. */

export interface SwarmSettings {
	/**
	 * Address pools for overlay networks. Only at init: a change replaces the swarm.
	 *
	 * @default []
	 */
	defaultAddrPool: string[];
	/**
	 * Prefix length of one overlay network. Only at init.
	 *
	 * @default 24
	 */
	subnetSize: number;
	/**
	 * UDP port of the overlay data path. Only at init.
	 *
	 * @default 4789
	 */
	dataPathPort: number;
	/**
	 * Seconds between a node's reports to the managers. After three missed reports a node counts as down, and its tasks are restarted once it is back. So a manager that hangs for longer takes all nodes for lost. Docker's own default is 5.
	 *
	 * @default 20
	 */
	dispatcherHeartbeatSeconds: number;
	/**
	 * ID of a swarm made by other means. This stack may take it over.
	 */
	adopt?: string | undefined;
}
