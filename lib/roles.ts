/** The possible roles of a host. */
export const roles = ["manager", "worker", "app", "log", "balancer", "registry"] as const;

export type Role = (typeof roles)[number];
