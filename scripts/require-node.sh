# Sourced by the other scripts. Leaves the repository's folder in $root, or ends with the next step when Node is missing or too old.
root=$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")

fail() {
  echo "corral: $1" >&2
  exit 1
}

command -v node >/dev/null 2>&1 || fail "Node.js was not found; install Node.js 20.19 or newer with npm, then run this again"

node_version=$(node --version)
node_major=${node_version#v}
node_minor=${node_major#*.}
node_major=${node_major%%.*}
node_minor=${node_minor%%.*}
if [ "$node_major" -lt 20 ] || { [ "$node_major" -eq 20 ] && [ "$node_minor" -lt 19 ]; }; then
  fail "Node.js $node_version is too old; install Node.js 20.19 or newer, then run this again"
fi
