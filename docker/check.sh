#!/usr/bin/env bash
# Builds the image and runs it, on a machine without a container engine (`make image-check`).
#
# Needs root on Debian or Ubuntu, some 10 GB in the folder for temporary files, ten minutes, and
#     apt-get install --no-install-recommends buildah debootstrap
# The base image is stood in for by a minimal Debian with Python, pip's settings are this machine's
# (so that a CPU build of torch is taken where pip is offered one). Then, as the image's user, in two
# containers with one folder for checkpoints: the page and its health check, and the worker, which
# trains the study `synthetic` that the page's container asks for.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] && command -v buildah debootstrap >/dev/null || {
    sed -n '4,5s/^# //p' "$0" >&2
    exit 2
}

work=$(mktemp -d -t langskew-image.XXXXXX)
export BUILDAH_ISOLATION=chroot BUILDAH_LAYERS=true CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ndriver = "%s"\nrunroot = "%s"\ngraphroot = "%s"\n' \
    "${STORAGE_DRIVER:-overlay}" "$work/run" "$work/storage" >"$work/storage.conf"
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    buildah rm --all >/dev/null 2>&1 || true
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
say() { printf '%-34s %s\n' "$1" "$2"; }
timed() { # a file for the output, then a command; prints seconds
    local began=$SECONDS log=$1
    "${@:2}" >"$log" 2>&1 || { tail -30 "$log" >&2; exit 1; }
    echo $((SECONDS - began))
}
until_true() { # seconds, then a command
    local end=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "after $1 s still not true: ${*:2}" >&2; tail -20 "$work"/*.log >&2; exit 1; }
        sleep 0.5
    done
}

# --- the base image's stand-in ---
base=$(awk '/^FROM/ {print $2; exit}' Dockerfile)
suite=${base##*-}
packages=python3,python3-venv,python3-pip,ca-certificates
timed "$work/debootstrap.log" debootstrap --variant=minbase --include=$packages "$suite" "$work/base" >/dev/null
for mounted in proc sys; do umount "$work/base/$mounted" 2>/dev/null || true; done
rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/*
stand_in=$(buildah from scratch)
buildah add --quiet "$stand_in" "$work/base" / >/dev/null
buildah commit --quiet --rm "$stand_in" "docker.io/library/$base" >/dev/null
say "stand-in for $base" "$(du -sm "$work/base" | cut -f1) MB"

# --- pip's settings, and the local folders that they name ---
python3 -m pip config list 2>/dev/null |
    sed -nE "s/^(:env:|global)\.([a-z-]+)='(.*)'$/\2 = \3/p" |
    awk 'BEGIN {print "[global]"} !seen[$1]++' >"$work/pip.conf"
mounts=(-v "$work/pip.conf:/etc/pip.conf:ro")
for path in $(grep -oE '(file://)?/[^ ]+' "$work/pip.conf" | sort -u); do
    case $path in
    file://*) path=$(dirname "${path#file://}") ;; # an index links to files beside it
    esac
    [ -e "$path" ] && mounts+=(-v "$path:$path:ro")
done

build() { buildah bud --pull-never --format docker "${mounts[@]}" --tag langskew "$1"; }
mkdir "$work/context"
cp -a . "$work/context" 2>/dev/null
say "build, seconds" "$(timed "$work/build.log" build "$work/context")"
echo "# changed" >>"$work/context/core/words.py"
say "build after a change, seconds" "$(timed "$work/rebuild.log" build "$work/context")"
say "steps taken from the cache" "$(grep -c 'Using cache' "$work/rebuild.log")"
say "image, MB" "$(buildah images --json langskew | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["size"])')"

# --- two containers ---
setting() { # of the image
    buildah inspect --type image langskew | python3 -c "
import json, sys
print(*json.load(sys.stdin)['Docker']['config']$1)"
}
mkdir "$work/checkpoints" "$work/cache"
chown 1000:1000 "$work/checkpoints" "$work/cache"
page=$(buildah from --pull-never langskew)
worker=$(buildah from --pull-never langskew)
port=${PORT:-8517}
inside() { # container, command
    buildah run --user "$(setting "['User']" | tr -d ' ')" -v "$work/checkpoints:/checkpoints" \
        -v "$work/cache:/cache" --env LANGSKEW_WORKER=${off-} --env STREAMLIT_SERVER_PORT="$port" \
        --env STREAMLIT_SERVER_BASE_URL_PATH=skew "$1" -- "${@:2}"
}
off=off inside "$page" id
