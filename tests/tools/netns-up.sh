#!/bin/sh
# Hosts for a test: network namespaces that are joined by a bridge, which is in a namespace of its own. Nothing of this
# machine's own network is touched, and several sets of hosts do not see each other.
#
#   netns-up.sh PREFIX N DIR    makes PREFIX-host0 … PREFIX-host(N-1), with the addresses 10.77.0.1 … and fd77::1 …
#                               (eth0), and DIR/hosts, which names them host0 …
#   netns-up.sh PREFIX down     removes them
#   netns-up.sh PREFIX cut I    takes host I's cable out; heal I puts it in again
#   netns-up.sh PREFIX split I  moves host I's cable to another bridge, with all others that are there; join I moves it back
#
# needs: root, iproute2
set -eu
prefix=$1 switch=$1-switch

case $2 in
down)
  ip netns list | while read -r name _; do
    case $name in "$prefix"-*) ip netns del "$name" ;; esac
  done
  exit 0 ;;
cut) exec ip -n "$switch" link set "p$3" down ;;
heal) exec ip -n "$switch" link set "p$3" up ;;
split) exec ip -n "$switch" link set "p$3" master br1 ;;
join) exec ip -n "$switch" link set "p$3" master br0 ;;
esac

n=$2 dir=$3
ip netns add "$switch"
for bridge in br0 br1; do
  ip -n "$switch" link add "$bridge" type bridge
  ip -n "$switch" link set "$bridge" up
done
{
  echo "127.0.0.1 localhost"
  echo "::1 localhost"
} > "$dir/hosts"
i=0
while [ $i -lt "$n" ]; do
  host=$prefix-host$i
  ip netns add "$host"
  ip -n "$switch" link add "p$i" type veth peer name eth0 netns "$host"
  ip -n "$switch" link set "p$i" master br0 up
  ip -n "$host" -batch - <<BATCH
link set lo up
addr add 10.77.0.$((i + 1))/24 dev eth0
addr add fd77::$(printf %x $((i + 1)))/64 dev eth0 nodad
link set eth0 up
BATCH
  echo "10.77.0.$((i + 1)) host$i" >> "$dir/hosts"
  i=$((i + 1))
done
