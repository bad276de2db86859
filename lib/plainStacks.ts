/*
 * Stacks as Node itself writes them. Node runs TypeScript with every position as it stands in the source: there is no source map to look up. The SDK's runner
 * looks for one at each frame of each stack that the SDK takes, which are four for every property of every resource: a tenth of a preview of 50 hosts.
 */
Object.assign(Error, { prepareStackTrace: undefined });
