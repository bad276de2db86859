# shellcheck shell=bash
# The packages are installed by then. The one who logs in may talk to Docker: who may run `sudo -n` is root already.
operator=${operator-}
declare -a packages+=()

# From Debian 13 on Docker's own command is a package of its own.
for package in "${packages[@]}"; do
  if [ "$package" = docker.io ] && ! command -v docker > /dev/null; then install_packages docker-cli; fi
done
if [ "$operator" ]; then usermod -aG docker "$operator"; fi
