# Sourced by the other scripts: installs Debian packages that are missing, and says so.
#   need_packages NAME...      as root, or with sudo
# Quick when everything is there: one dpkg-query.

# What building and running needs.
build_packages=(
  g++ cmake ninja-build ccache mold pkg-config python3-minimal libpython3-stdlib
  libboost-dev libboost-filesystem-dev libboost-system-dev libboost-program-options-dev
  rapidjson-dev libtomlplusplus-dev node-llhttp libssl-dev
  libre2-dev libicu-dev libintelrdfpmath-dev libfmt-dev prometheus-cpp-dev
  liblz4-dev libzstd-dev zlib1g-dev libxxhash-dev libopenblas-dev libpoco-dev libcli11-dev libedit-dev
)
# What only tests need, beside the above.
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev
  clang-14 libc++-14-dev libc++abi-14-dev
  make curl openssl ca-certificates git iso-codes wordnet-base strace procps prometheus
  man-db groff-base systemd zsh fish
  chromium-headless-shell fonts-dejavu-core
)
# What making and testing the Debian package needs.
package_packages=(dpkg-dev file lintian)
# What booting it takes; only scripts/package.sh --boot installs them.
boot_packages=(debootstrap systemd-container)
# The peers of each suite of bench/; only scripts/bench.sh installs them.
storage_peer_packages=(librocksdb-dev libleveldb-dev liblmdb-dev libwiredtiger-dev)
database_peer_packages=(libsqlite3-dev libpq-dev postgresql-15)
http_peer_packages=(wrk nghttp2-client nginx-light redis-server redis-tools)

need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "These Debian packages are missing; install them as root: ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
