# shellcheck shell=bash
# The packages are installed by then. The one who logs in may talk to Docker: who may run `sudo -n` is root already.
operator=${operator-}

if [ "$operator" ]; then usermod -aG docker "$operator"; fi
