# Installs the PostgreSQL programs with apt-get, and nothing that keeps running: Debian would create and start a cluster of the
# system's own; the setting that prevents it is put back afterwards.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install --yes -qq --no-install-recommends postgresql-common
settings=/etc/postgresql-common/createcluster.conf
saved=$(mktemp)
cp "$settings" "$saved"
trap 'cp "$saved" "$settings"; rm -f "$saved"' EXIT
echo 'create_main_cluster = false' >>"$settings"
apt-get install --yes -qq --no-install-recommends postgresql
