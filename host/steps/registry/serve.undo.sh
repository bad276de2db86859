# shellcheck shell=bash
systemctl disable --now docker-registry
